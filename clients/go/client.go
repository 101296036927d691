// Package photogate is the client library of a photogate gateway: uploads, tokens, packages, and callbacks that are verified.
package photogate

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	longestWait = 20 * time.Second
	mostAnswer  = 64 << 20
)

// Client is a gateway, as the holder of one credential sees it: an app server's key ("pg_…"), or a client token ("pgt_…") on a
// device. It may be used by several goroutines; its fields may be changed before its first use.
//
// Requests that fail are repeated as Retry says, and a creation has an Idempotency-Key that stays the same over its attempts.
// Errors are a *ProblemError, a *NetworkError, a *StoreError, or the context's.
type Client struct {
	baseURL    *url.URL
	credential string
	// HTTP sends the requests; http.DefaultClient's transport unless it is changed. It needs no timeout of its own.
	HTTP *http.Client
	// Timeout is how long an answer may take: 30 s, beyond what a request waits for and what a file takes.
	Timeout time.Duration
	Retry   Retry
}

// NewClient takes the gateway's base URL, such as "https://photos.example".
func NewClient(baseURL, credential string) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(baseURL, "/"))
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" {
		return nil, errors.New("photogate: the base URL has to begin with http:// or https://")
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &Client{baseURL: base, credential: credential, HTTP: client, Timeout: 30 * time.Second, Retry: DefaultRetry}, nil
}

// IsFinal tells whether an upload in this state changes no more by itself.
func (s State) IsFinal() bool {
	switch s {
	case StatePublished, StateRejected, StateFailed, StateExpired, StateCancelled, StateDeleted:
		return true
	}
	return false
}

// CreatedUpload is an upload whose file is to be sent. Grant is nil where Dedupe found the picture published already.
type CreatedUpload struct {
	Upload
	Grant        *Grant `json:"upload"`
	Deduplicated bool   `json:"deduplicated,omitempty"`
}

// BatchItem is either Created, or Refused with the place of the item in the request.
type BatchItem struct {
	Created *CreatedUpload
	Refused *Problem
	Index   int
}

// UnmarshalJSON tells the two by the code of a problem.
func (b *BatchItem) UnmarshalJSON(data []byte) error {
	var seen struct {
		Code  string `json:"code"`
		Index int    `json:"index"`
	}
	if err := json.Unmarshal(data, &seen); err != nil {
		return err
	}
	if seen.Code != "" {
		b.Refused, b.Index = &Problem{}, seen.Index
		return json.Unmarshal(data, b.Refused)
	}
	b.Created = &CreatedUpload{}
	return json.Unmarshal(data, b.Created)
}

// Batch has an item for each of the request, in its order.
type Batch struct {
	Data    []BatchItem `json:"data"`
	Created int         `json:"created"`
	Refused int         `json:"refused"`
}

// WithIdempotencyKey returns a context whose creation has this key, in place of one that is made.
func WithIdempotencyKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, idempotencyKey{}, key)
}

type idempotencyKey struct{}

// CreateUpload asks for a presigned upload of one file.
func (c *Client) CreateUpload(ctx context.Context, wanted NewUpload) (*CreatedUpload, error) {
	made := &CreatedUpload{}
	return made, c.create(ctx, "/v1/uploads", wanted, made)
}

// CreateUploads asks for up to 500.
func (c *Client) CreateUploads(ctx context.Context, wanted []NewUpload) (*Batch, error) {
	made := &Batch{}
	return made, c.create(ctx, "/v1/uploads/batch", NewBatch{Uploads: wanted}, made)
}

// GetUpload returns an upload; with wait, once its state is final, or after that time (a minute at most).
func (c *Client) GetUpload(ctx context.Context, id string, wait time.Duration) (*Upload, error) {
	found := &Upload{}
	return found, c.call(ctx, "GET", "/v1/uploads/"+url.PathEscape(id), waiting(wait), nil, "", wait, found)
}

// WaitForUpload returns the upload once its state is final, or as it is after that time: its State tells.
func (c *Client) WaitForUpload(ctx context.Context, id string, limit time.Duration) (*Upload, error) {
	deadline := time.Now().Add(limit)
	for {
		wait := time.Until(deadline).Round(time.Second)
		if wait > longestWait {
			wait = longestWait
		}
		upload, err := c.GetUpload(ctx, id, wait)
		if err != nil || upload.State.IsFinal() || !time.Now().Before(deadline.Add(-500*time.Millisecond)) {
			return upload, err
		}
	}
}

// Filter chooses among uploads; what is empty does not.
type Filter struct {
	State        State
	Profile      string
	CreatedAfter time.Time
	Metadata     map[string]string
	SimilarTo    string
	App          string
	PageSize     int
}

// Iterator gives the items of a list one by one, and fetches pages as it gets there:
//
//	for uploads := client.ListUploads(photogate.Filter{}); uploads.Next(ctx); {
//		use(uploads.Value())
//	}
//	if err := uploads.Err(); err != nil { … }
type Iterator[T any] struct {
	client *Client
	path   string
	query  url.Values
	page   []T
	value  T
	ended  bool
	err    error
}

// Next moves to the next item; false at the end, and after an error.
func (i *Iterator[T]) Next(ctx context.Context) bool {
	for len(i.page) == 0 {
		if i.ended || i.err != nil {
			return false
		}
		var page struct {
			Data []T     `json:"data"`
			Next *string `json:"next"`
		}
		if i.err = i.client.call(ctx, "GET", i.path, i.query, nil, "", 0, &page); i.err != nil {
			return false
		}
		i.page, i.ended = page.Data, page.Next == nil
		if page.Next != nil {
			i.query.Set("cursor", *page.Next)
		}
	}
	i.value, i.page = i.page[0], i.page[1:]
	return true
}

// Value is the item that Next has moved to.
func (i *Iterator[T]) Value() T { return i.value }

// Err is what ended the iteration early.
func (i *Iterator[T]) Err() error { return i.err }

// ListUploads gives all uploads that are so, newest first.
func (c *Client) ListUploads(filter Filter) *Iterator[Upload] {
	query := paged(filter.PageSize)
	for name, value := range map[string]string{"state": string(filter.State), "profile": filter.Profile, "similar_to": filter.SimilarTo, "app": filter.App} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if !filter.CreatedAfter.IsZero() {
		query.Set("created_after", filter.CreatedAfter.UTC().Format(time.RFC3339Nano))
	}
	for name, value := range filter.Metadata {
		query.Set("metadata."+name, value)
	}
	return &Iterator[Upload]{client: c, path: "/v1/uploads", query: query}
}

// SignUpload returns the same upload with a fresh presigned URL.
func (c *Client) SignUpload(ctx context.Context, id string) (*CreatedUpload, error) {
	found := &CreatedUpload{}
	return found, c.call(ctx, "POST", "/v1/uploads/"+url.PathEscape(id)+"/sign", nil, struct{}{}, "", 0, found)
}

// CompleteUpload reports that the file is in the store, and joins its parts. A *ProblemError "object_not_found" if it is not.
// It may be repeated.
func (c *Client) CompleteUpload(ctx context.Context, id string) (*Upload, error) {
	found := &Upload{}
	return found, c.call(ctx, "POST", "/v1/uploads/"+url.PathEscape(id)+"/complete", nil, nil, "", 0, found)
}

// DeleteUpload cancels an upload that is not processed yet, and erases the files and the personal data of one that is.
func (c *Client) DeleteUpload(ctx context.Context, id string) (*Upload, error) {
	found := &Upload{}
	return found, c.call(ctx, "DELETE", "/v1/uploads/"+url.PathEscape(id), nil, nil, "", 0, found)
}

// RetryUpload processes a rejected or failed upload again.
func (c *Client) RetryUpload(ctx context.Context, id string) (*Upload, error) {
	found := &Upload{}
	return found, c.call(ctx, "POST", "/v1/uploads/"+url.PathEscape(id)+"/retry", nil, nil, "", 0, found)
}

// ImageURL returns the URL of the picture or of a version of it, signed where the profile is private.
func (c *Client) ImageURL(ctx context.Context, id string, wanted NewImageURL) (*ImageURL, error) {
	found := &ImageURL{}
	return found, c.call(ctx, "POST", "/v1/uploads/"+url.PathEscape(id)+"/url", nil, wanted, "", 0, found)
}

// ListParts returns what of an upload in parts has arrived.
func (c *Client) ListParts(ctx context.Context, id string) (*Parts, error) {
	found := &Parts{}
	return found, c.call(ctx, "GET", "/v1/uploads/"+url.PathEscape(id)+"/parts", nil, nil, "", 0, found)
}

// SignParts signs URLs for parts.
func (c *Client) SignParts(ctx context.Context, id string, wanted PartsToSign) (*SignedParts, error) {
	found := &SignedParts{}
	return found, c.call(ctx, "POST", "/v1/uploads/"+url.PathEscape(id)+"/parts/sign", nil, wanted, "", 0, found)
}

// CreateToken makes a token for a browser or a phone. It needs an app server's key.
func (c *Client) CreateToken(ctx context.Context, wanted NewToken) (*Token, error) {
	made := &Token{}
	return made, c.call(ctx, "POST", "/v1/tokens", nil, wanted, "", 0, made)
}

// GetProfile tells what may be uploaded; profile may be "" where there is one.
func (c *Client) GetProfile(ctx context.Context, profile string) (*Profile, error) {
	found, query := &Profile{}, url.Values{}
	if profile != "" {
		query.Set("profile", profile)
	}
	return found, c.call(ctx, "GET", "/v1/profile", query, nil, "", 0, found)
}

// CreatePackage makes a zip of many pictures.
func (c *Client) CreatePackage(ctx context.Context, wanted NewPackage) (*Package, error) {
	made := &Package{}
	return made, c.create(ctx, "/v1/packages", wanted, made)
}

// GetPackage returns a package; with wait, once it is ready or over, or after that time (a minute at most).
func (c *Client) GetPackage(ctx context.Context, id string, wait time.Duration) (*Package, error) {
	found := &Package{}
	return found, c.call(ctx, "GET", "/v1/packages/"+url.PathEscape(id), waiting(wait), nil, "", wait, found)
}

// ListPackages gives all packages, newest first.
func (c *Client) ListPackages(pageSize int) *Iterator[Package] {
	return &Iterator[Package]{client: c, path: "/v1/packages", query: paged(pageSize)}
}

// PackageURL returns another link to a package.
func (c *Client) PackageURL(ctx context.Context, id string, wanted NewPackageURL) (*PackageURL, error) {
	found := &PackageURL{}
	return found, c.call(ctx, "POST", "/v1/packages/"+url.PathEscape(id)+"/url", nil, wanted, "", 0, found)
}

// DeletePackage voids its links; the pictures stay.
func (c *Client) DeletePackage(ctx context.Context, id string) (*Package, error) {
	found := &Package{}
	return found, c.call(ctx, "DELETE", "/v1/packages/"+url.PathEscape(id), nil, nil, "", 0, found)
}

// Events returns a page of the events of callbacks, oldest first; after is "" at the start. Store the page's Next in the same
// transaction as your result of its Data, and pass it as after the next time: each event is then handled once.
func (c *Client) Events(ctx context.Context, after string, pageSize int) (*Feed, error) {
	query := paged(pageSize)
	if after != "" {
		query.Set("after", after)
	}
	found := &Feed{}
	return found, c.call(ctx, "GET", "/v1/events", query, nil, "", 0, found)
}

func waiting(wait time.Duration) url.Values {
	if wait < time.Second {
		return nil
	}
	return url.Values{"wait": {strconv.Itoa(int(wait / time.Second))}}
}

func paged(size int) url.Values {
	if size == 0 {
		size = 50
	}
	return url.Values{"limit": {strconv.Itoa(size)}}
}

func (c *Client) create(ctx context.Context, path string, wanted, made any) error {
	key, given := ctx.Value(idempotencyKey{}).(string)
	if !given {
		random := make([]byte, 16)
		if _, err := rand.Read(random); err != nil {
			return err
		}
		key = hex.EncodeToString(random)
	}
	return c.call(ctx, "POST", path, nil, wanted, key, 0, made)
}

func (c *Client) call(ctx context.Context, method, path string, query url.Values, wanted any, key string, wait time.Duration, made any) error {
	var body []byte
	if wanted != nil {
		var err error
		if body, err = json.Marshal(wanted); err != nil {
			return err
		}
	}
	place := c.baseURL.String() + path
	if len(query) > 0 {
		place += "?" + query.Encode()
	}
	header := http.Header{"Authorization": {"Bearer " + c.credential}, "Accept": {"application/json"}}
	if body != nil {
		header.Set("Content-Type", "application/json")
	}
	if key != "" {
		header.Set("Idempotency-Key", key)
	}
	for failures := 1; ; failures++ {
		answer, err := c.exchange(ctx, method, place, header, bytes.NewReader(body), int64(len(body)), c.Timeout+wait)
		after := time.Duration(-1)
		if err == nil {
			if answer.ok() {
				if err := json.Unmarshal(answer.body, made); err != nil {
					return fmt.Errorf("photogate: the answer to %s %s is not what was expected: %w", method, path, err)
				}
				return nil
			}
			after = retryAfter(answer.header)
			err = problemOf(answer.status, answer.header, answer.body, maximum(after, 0))
			if !isRetried(answer.status) {
				return err
			}
		}
		if ctx.Err() != nil || !c.Retry.mayRepeat(failures, after) {
			return err
		}
		if interrupted := c.Retry.pause(ctx, failures, after); interrupted != nil {
			return interrupted
		}
	}
}

func maximum(a, b time.Duration) time.Duration {
	if a > b {
		return a
	}
	return b
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a *answer) ok() bool { return a.status >= 200 && a.status < 300 }

// exchange returns the context's error as it is, and any other as a *NetworkError. quiet is how long nothing may pass.
func (c *Client) exchange(ctx context.Context, method, place string, header http.Header, body io.Reader, size int64, quiet time.Duration) (*answer, error) {
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	watch := time.AfterFunc(quiet, cancel)
	defer watch.Stop()
	request, err := http.NewRequestWithContext(within, method, place, nil)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	if size > 0 {
		request.Body, request.ContentLength = io.NopCloser(&watched{body, func() { watch.Reset(quiet) }}), size
	}
	response, err := c.HTTP.Do(request)
	if err == nil {
		defer response.Body.Close()
		var data []byte
		if data, err = io.ReadAll(io.LimitReader(response.Body, mostAnswer)); err == nil {
			return &answer{response.StatusCode, response.Header, data}, nil
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if within.Err() != nil {
		err = fmt.Errorf("%s at %s: nothing came for %s", method, request.URL.Host, quiet)
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) { // its text has the URL, which may be a presigned one
		err = fmt.Errorf("%s at %s: %w", method, request.URL.Host, wrapped.Err)
	}
	return nil, &NetworkError{err}
}

type watched struct {
	io.Reader
	moved func()
}

func (w *watched) Read(buffer []byte) (int, error) {
	w.moved()
	return w.Reader.Read(buffer)
}
