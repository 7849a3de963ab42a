//go:build linux || darwin || freebsd

package file

import "syscall"

// free returns how many bytes more the disk of a folder takes from us.
func free(dir string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil // #nosec G115 -- no disk has 2^63 bytes
}
