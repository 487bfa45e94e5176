package power

import (
	"context"
	"errors"
	"io"
)

func hold(context.Context) (io.Closer, error) { return nil, errors.ErrUnsupported }

func listen(ctx context.Context, _ func(news)) { <-ctx.Done() }
