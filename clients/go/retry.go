package photogate

import (
	"context"
	"math/rand"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Retry says how often and how long: the nth pause is half to all of Base * 2^n, at most Most.
// A longer pause that the server asks for by Retry-After is kept, up to MostRetryAfter; beyond it the error is returned at once.
type Retry struct {
	Attempts       int
	Base, Most     time.Duration
	MostRetryAfter time.Duration
}

// DefaultRetry is a Client's unless it is changed.
var DefaultRetry = Retry{Attempts: 6, Base: 500 * time.Millisecond, Most: 30 * time.Second, MostRetryAfter: time.Minute}

func (r Retry) mayRepeat(failures int, after time.Duration) bool {
	return failures < r.Attempts && after <= r.MostRetryAfter
}

// pause ends early, with its error, when the context does. after < 0: the server asked for no pause.
func (r Retry) pause(ctx context.Context, failures int, after time.Duration) error {
	if after < 0 {
		after = r.Most
		if failures < 16 && r.Base<<failures < r.Most {
			after = r.Base << failures
		}
		after = time.Duration(float64(after) * (0.5 + rand.Float64()/2))
	}
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// isRetried: whether another attempt may change the status.
func isRetried(status int) bool {
	switch status {
	case 408, 425, 429, 500, 502, 503, 504:
		return true
	}
	return false
}

// retryAfter is negative where the answer says nothing that can be read.
func retryAfter(header http.Header) time.Duration {
	text := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if moment, err := http.ParseTime(text); err == nil {
		if wait := time.Until(moment); wait > 0 {
			return wait
		}
		return 0
	}
	return -1
}
