package photogate

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Way is what happens when the connection is cut.
type Way int

const (
	// Auto continues on the resumable URL where the grant has one.
	Auto Way = iota
	// Direct sends the file again.
	Direct
	// Resumable uses the resumable URL from the start.
	Resumable
)

// SendOptions may be its zero value.
type SendOptions struct {
	Way Way
	// Progress is told the bytes sent and their total; they fall when something is sent again.
	Progress func(sent, total int64)
}

const (
	signedAtOnce = 100
	tusVersion   = "1.0.0"
)

// Send sends the file of an upload that was created, by the way that its grant says, and reports that it has arrived.
// It ends when the context does; the upload then stays, and may be sent again or deleted.
func (c *Client) Send(ctx context.Context, created *CreatedUpload, file io.ReaderAt, size int64, options SendOptions) (*Upload, error) {
	if created.Grant == nil {
		return c.GetUpload(ctx, created.ID, 0)
	}
	s := &sender{client: c, id: created.ID, grant: *created.Grant, file: file, size: size, options: options}
	if err := s.run(ctx); err != nil {
		return nil, err
	}
	return c.CompleteUpload(ctx, created.ID)
}

// UploadFile creates an upload, sends a file of the disk, and waits for its end, up to that time. Size, name and type are the
// file's unless they are given.
func (c *Client) UploadFile(ctx context.Context, path string, wanted NewUpload, options SendOptions, wait time.Duration) (*Upload, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	facts, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if wanted.Size == 0 {
		wanted.Size = facts.Size()
	}
	if wanted.Filename == "" {
		wanted.Filename = filepath.Base(path)
	}
	if wanted.ContentType == "" {
		wanted.ContentType = strings.SplitN(mime.TypeByExtension(filepath.Ext(path)), ";", 2)[0]
	}
	created, err := c.CreateUpload(ctx, wanted)
	if err != nil {
		return nil, err
	}
	sent, err := c.Send(ctx, created, file, facts.Size(), options)
	if err != nil || wait <= 0 || sent.State.IsFinal() {
		return sent, err
	}
	return c.WaitForUpload(ctx, sent.ID, wait)
}

type sender struct {
	client  *Client
	id      string
	grant   Grant
	file    io.ReaderAt
	size    int64
	options SendOptions
}

func (s *sender) run(ctx context.Context) error {
	switch {
	case s.grant.Parts != nil:
		return s.sendParts(ctx)
	case s.options.Way == Resumable:
		return s.sendResumable(ctx)
	}
	return s.sendDirectly(ctx)
}

func (s *sender) sendDirectly(ctx context.Context) error {
	failures, renewed := 0, false
	for {
		if !renewed && expiresWithin(s.grant.ExpiresAt, 5*time.Second) {
			renewed = true
			if err := s.renew(ctx); err != nil {
				return err
			}
		}
		var answer *answer
		var err error
		if s.grant.Method == "PUT" {
			answer, err = s.request(ctx, "PUT", text(s.grant.URL), headers(s.grant.Headers), s.section(0, s.size), s.size, 0)
		} else {
			answer, err = s.postForm(ctx)
		}
		if err != nil {
			if isNetwork(err) && s.options.Way == Auto && s.grant.Resumable != nil {
				// Whether the file has arrived and the answer alone was lost, the gateway can tell for less than the file costs.
				if _, err := s.client.CompleteUpload(ctx, s.id); err == nil || ctx.Err() != nil {
					return ctx.Err()
				}
				return s.sendResumable(ctx)
			}
			if failures, err = s.cut(ctx, failures, err); err != nil {
				return err
			}
			continue
		}
		// 412: an earlier attempt, whose answer was lost, has stored the file.
		if answer.ok() || (answer.status == 412 && s.grant.Method == "PUT") {
			return nil
		}
		if answer.status == 403 && bytes.Contains(answer.body, []byte("expired")) && !renewed {
			renewed = true
			if err := s.renew(ctx); err != nil {
				return err
			}
		} else if failures, err = s.failed(ctx, failures, answer, isRetried(answer.status)); err != nil {
			return err
		}
	}
}

func (s *sender) postForm(ctx context.Context) (*answer, error) {
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return nil, err
	}
	boundary := hex.EncodeToString(random)
	head, tail := &bytes.Buffer{}, "\r\n--"+boundary+"--\r\n"
	names := make([]string, 0, len(s.grant.Fields))
	for name := range s.grant.Fields {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Fprintf(head, "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", boundary, name, s.grant.Fields[name])
	}
	fmt.Fprintf(head, "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file\"\r\n\r\n", boundary)
	header := headers(s.grant.Headers)
	header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
	length := int64(head.Len()) + s.size + int64(len(tail))
	before := -int64(head.Len())
	return s.request(ctx, "POST", text(s.grant.URL), header, io.MultiReader(head, s.section(0, s.size), strings.NewReader(tail)), length, before)
}

func (s *sender) renew(ctx context.Context) error {
	signed, err := s.client.SignUpload(ctx, s.id)
	if err == nil && signed.Grant == nil {
		err = errors.New("photogate: the upload could not be signed again")
	}
	if err == nil {
		s.grant = *signed.Grant
	}
	return err
}

// sendResumable speaks tus 1.0.0.
func (s *sender) sendResumable(ctx context.Context) error {
	if s.grant.Resumable == nil {
		return errors.New("photogate: this upload has no resumable URL")
	}
	place, err := s.client.baseURL.Parse(s.grant.Resumable.URL)
	if err != nil {
		return err
	}
	failures, furthest := 0, int64(0)
	for {
		answer, err := s.request(ctx, "HEAD", place.String(), http.Header{"Tus-Resumable": {tusVersion}}, nil, 0, 0)
		if err == nil && answer.ok() {
			offset, wrong := offsetOf(answer)
			if wrong != nil {
				return wrong
			}
			if offset > furthest {
				failures, furthest = 0, offset
			}
			if offset == s.size {
				return nil
			}
			header := http.Header{"Tus-Resumable": {tusVersion}, "Upload-Offset": {strconv.FormatInt(offset, 10)},
				"Content-Type": {"application/offset+octet-stream"}}
			answer, err = s.request(ctx, "PATCH", place.String(), header, s.section(offset, s.size-offset), s.size-offset, offset)
			if err == nil && answer.ok() {
				if offset, wrong := offsetOf(answer); wrong != nil || offset == s.size {
					return wrong
				}
			}
		}
		if err != nil {
			if failures, err = s.cut(ctx, failures, err); err != nil {
				return err
			}
			continue
		}
		// 409: the offset has moved on; 423: an earlier connection still holds the upload; 460: a digest did not match.
		again := answer.ok() || isRetried(answer.status) || answer.status == 409 || answer.status == 423 || answer.status == 460
		if failures, err = s.failed(ctx, failures, answer, again); err != nil {
			return err
		}
	}
}

func (s *sender) sendParts(ctx context.Context) error {
	signed, failures, arrived := s.grant.Parts.Data, 0, int64(-1)
	for ; ; signed = nil {
		if len(signed) == 0 {
			listed, err := s.client.ListParts(ctx, s.id)
			if err != nil {
				return err
			}
			if len(listed.Missing) == 0 {
				return nil
			}
			if listed.Received <= arrived {
				if failures++; !s.client.Retry.mayRepeat(failures, 0) {
					return storeError(0, []byte("parts that the store has taken are not there"))
				}
			}
			arrived = listed.Received
			numbers := listed.Missing
			if len(numbers) > signedAtOnce {
				numbers = numbers[:signedAtOnce]
			}
			answer, err := s.client.SignParts(ctx, s.id, PartsToSign{Numbers: numbers})
			if err != nil {
				return err
			}
			signed = answer.Data
		}
		for _, part := range signed {
			sent, err := s.sendPart(ctx, part, (part.Number-1)*s.grant.Parts.PartSize)
			if err != nil {
				return err
			}
			if !sent {
				break
			}
		}
	}
}

// sendPart returns false where the part's URL has expired.
func (s *sender) sendPart(ctx context.Context, part SignedPart, start int64) (bool, error) {
	for failures := 0; ; {
		answer, err := s.request(ctx, "PUT", part.URL, headers(part.Headers), s.section(start, part.Size), part.Size, start)
		switch {
		case err != nil:
			failures, err = s.cut(ctx, failures, err)
		case answer.ok():
			return true, nil
		case answer.status == 403 && bytes.Contains(answer.body, []byte("expired")):
			return false, nil
		default:
			failures, err = s.failed(ctx, failures, answer, isRetried(answer.status))
		}
		if err != nil {
			return false, err
		}
	}
}

// cut pauses after an exchange without an answer; it returns the error where no other attempt is to be made.
func (s *sender) cut(ctx context.Context, failures int, err error) (int, error) {
	failures++
	if !isNetwork(err) || !s.client.Retry.mayRepeat(failures, 0) {
		return failures, err
	}
	return failures, s.client.Retry.pause(ctx, failures, -1)
}

func (s *sender) failed(ctx context.Context, failures int, answer *answer, again bool) (int, error) {
	failures++
	after := retryAfter(answer.header)
	if !again || !s.client.Retry.mayRepeat(failures, after) {
		return failures, storeError(answer.status, answer.body)
	}
	return failures, s.client.Retry.pause(ctx, failures, after)
}

func (s *sender) section(start, length int64) io.Reader {
	return io.NewSectionReader(s.file, start, length)
}

func (s *sender) request(ctx context.Context, method, place string, header http.Header, body io.Reader, length, start int64) (*answer, error) {
	if body != nil && s.options.Progress != nil {
		body = &counted{body, start, s.size, s.options.Progress}
	}
	return s.client.exchange(ctx, method, place, header, body, length, s.client.Timeout)
}

type counted struct {
	io.Reader
	sent, total int64
	progress    func(sent, total int64)
}

func (c *counted) Read(buffer []byte) (int, error) {
	count, err := c.Reader.Read(buffer)
	c.sent += int64(count)
	told := c.sent
	if told < 0 {
		told = 0
	}
	if told > c.total {
		told = c.total
	}
	if count > 0 {
		c.progress(told, c.total)
	}
	return count, err
}

func offsetOf(answer *answer) (int64, error) {
	offset, err := strconv.ParseInt(answer.header.Get("Upload-Offset"), 10, 64)
	if err != nil || offset < 0 {
		return 0, storeError(answer.status, []byte("the answer has no Upload-Offset"))
	}
	return offset, nil
}

func isNetwork(err error) bool {
	var network *NetworkError
	return errors.As(err, &network)
}

func expiresWithin(moment string, limit time.Duration) bool {
	at, err := time.Parse(time.RFC3339, moment)
	return err == nil && time.Until(at) < limit
}

func headers(given map[string]string) http.Header {
	made := http.Header{}
	for name, value := range given {
		if !strings.EqualFold(name, "Content-Length") && !strings.EqualFold(name, "Host") {
			made.Set(name, value)
		}
	}
	return made
}

func text(value *string) string {
	if value == nil {
		return ""
	}
	return *value
}
