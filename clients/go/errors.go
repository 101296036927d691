package photogate

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"time"
)

// ProblemError: the gateway refused a request. Programs branch on Code, which is stable: the gateway's page /docs/errors
// lists them. Code is "http_502" and the like where something in front of the gateway answered.
type ProblemError struct {
	Problem
	// RetryAfter is how long the gateway wants not to be asked, 0 where it does not say.
	RetryAfter time.Duration
}

func (e *ProblemError) Error() string {
	text := e.Detail
	if text == "" {
		text = e.Title
	}
	request := e.RequestID
	if request == "" {
		request = "unknown"
	}
	return fmt.Sprintf("photogate: %s (%s, %d, request %s)", text, e.Code, e.Status, request)
}

func problemOf(status int, header http.Header, body []byte, after time.Duration) *ProblemError {
	made := &ProblemError{RetryAfter: after}
	if json.Unmarshal(body, &made.Problem) != nil {
		made.Problem = Problem{}
	}
	made.Status = int64(status)
	if made.Code == "" {
		made.Code = fmt.Sprintf("http_%d", status)
	}
	if made.Title == "" {
		made.Title = fmt.Sprintf("the answer was %d", status)
	}
	if made.RequestID == "" {
		made.RequestID = header.Get("X-Request-Id")
	}
	return made
}

// NetworkError: no answer came, because the connection was refused, cut or timed out.
type NetworkError struct{ Err error }

func (e *NetworkError) Error() string { return "photogate: no answer: " + e.Err.Error() }

// Unwrap returns what net/http said.
func (e *NetworkError) Unwrap() error { return e.Err }

// StoreError: where the file was sent to, it was refused: by the object store, or by the gateway's resumable URL.
type StoreError struct {
	Status int
	// Code is the store's, "" where it has none.
	Code string
	Body string
}

var storeCode = regexp.MustCompile(`<Code>([^<]*)</Code>|"code"\s*:\s*"([^"]*)"`)

func storeError(status int, body []byte) *StoreError {
	if len(body) > 4096 {
		body = body[:4096]
	}
	made := &StoreError{Status: status, Body: string(body)}
	if found := storeCode.FindSubmatch(body); found != nil {
		made.Code = string(found[1]) + string(found[2])
	}
	return made
}

func (e *StoreError) Error() string {
	return fmt.Sprintf("photogate: the store answered %d %s", e.Status, e.Code)
}

// SignatureError: a callback can't be trusted. Answer it with 400 and do nothing else.
type SignatureError struct{ Reason string }

func (e *SignatureError) Error() string { return "photogate: " + e.Reason }
