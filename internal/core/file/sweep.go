package file

import (
	"context"
	"fmt"
	"time"

	"github.com/chappe-im/chappe/internal/blob"
	"github.com/chappe-im/chappe/internal/store"
)

const (
	// grace is how long an upload that does not go on, and a file that nobody refers to, are kept.
	grace      = 24 * time.Hour
	sweepBatch = 100
)

// Sweep collects uploads that nobody finished, files that nobody refers to, and blobs without file.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.Now()
	if err := s.parts.sweep(now.Add(-grace)); err != nil {
		return fmt.Errorf("collect parts: %w", err)
	}
	if err := s.sweepFiles(ctx, now.Add(-grace).Unix(), now.Unix()); err != nil {
		return fmt.Errorf("collect files: %w", err)
	}
	if err := s.sweepBlobs(ctx, now.Add(-grace).Unix()); err != nil {
		return fmt.Errorf("collect blobs: %w", err)
	}
	return nil
}

func (s *Service) sweepFiles(ctx context.Context, before, now int64) error {
	err := s.DB.Write(ctx, nil, func(tx *store.Tx) error { return tx.SweepUploads(before) })
	if err != nil {
		return err
	}
	for more := true; more; {
		var ids []int64
		err := s.DB.Read(ctx, func(tx *store.Tx) (err error) {
			ids, err = tx.UnusedFiles(before, sweepBatch)
			return err
		})
		if err != nil || len(ids) == 0 {
			return err
		}
		err = s.DB.Write(ctx, nil, func(tx *store.Tx) error {
			for _, id := range ids {
				if err := tx.DropFile(id, before, now); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		more = len(ids) == sweepBatch
	}
	return nil
}

func (s *Service) sweepBlobs(ctx context.Context, before int64) error {
	for more := true; more; {
		var dying [][]byte
		err := s.DB.Write(ctx, nil, func(tx *store.Tx) (err error) {
			dying, err = tx.DyingBlobs(before, sweepBatch)
			return err
		})
		if err != nil {
			return err
		}
		for _, hash := range dying {
			if len(hash) == len(blob.Sum{}) {
				if err := s.Blobs.Delete(ctx, blob.Sum(hash)); err != nil {
					return err
				}
			}
			if err := s.DB.Write(ctx, nil, func(tx *store.Tx) error { return tx.ForgetBlob(hash) }); err != nil {
				return err
			}
		}
		more = len(dying) >= sweepBatch
	}
	return nil
}
