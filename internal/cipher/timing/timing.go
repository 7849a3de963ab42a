// Package timing compares how long an operation takes on two classes of input, for
// tests of code whose duration must not tell a secret. It imports the standard library only.
package timing

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// limit is the |t| above which two operations are told apart. By chance that happens
// once in a hundred thousand comparisons, on a machine that does other work at the
// same time once in some hundred.
const limit = 4.5

// Differ reports whether an operation takes another time on one class of input than
// on the other, three times out of three, and the last t. Its arguments are those of
// welch.
func Differ(n int, prepare func(class int), operation func()) (t float64, differ bool) {
	for range 3 {
		if t = welch(n, prepare, operation); math.Abs(t) <= limit {
			return t, false
		}
	}
	return t, true
}

// welch runs an operation n times on each class of input, 0 and 1, in random order,
// and returns Welch's t of the durations, negative if class 0 is faster. prepare sets
// the input up before every run and is not timed. The slowest fifth is left out: it
// measures the machine.
func welch(n int, prepare func(class int), operation func()) float64 {
	var samples [2][]float64
	for len(samples[0]) < n || len(samples[1]) < n {
		class := rand.IntN(2) // #nosec G404 -- it only orders measurements
		prepare(class)
		begun := time.Now()
		operation()
		samples[class] = append(samples[class], float64(time.Since(begun)))
	}
	all := slices.Sorted(slices.Values(slices.Concat(samples[0], samples[1])))
	most := all[len(all)*4/5]
	m0, v0 := spread(samples[0], most)
	m1, v1 := spread(samples[1], most)
	return (m0 - m1) / math.Sqrt(v0+v1)
}

// spread returns the mean of the samples up to most, and the variance of that mean.
func spread(samples []float64, most float64) (mean, variance float64) {
	n := 0.0
	for _, s := range samples {
		if s <= most {
			n++
			mean += s
		}
	}
	mean /= n
	for _, s := range samples {
		if s <= most {
			variance += (s - mean) * (s - mean)
		}
	}
	return mean, variance / (n - 1) / n
}
