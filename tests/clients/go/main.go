// Drives the Go library for tests/e2e/test_client_libraries.py: a request a line of JSON, an answer a line.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	photogate "github.com/photogate/photogate/clients/go"
)

type asked struct {
	Op, Gateway, Credential string
	Timeout, Base           float64
	Attempts                int
	Wanted                  json.RawMessage
	Uploads                 []photogate.NewUpload
	Created                 *photogate.CreatedUpload
	File, Way               string
	AbortAfter              *int64 `json:"abort_after"`
	Wait                    *float64
	ID                      string
	Seconds                 float64
	PageSize                int `json:"page_size"`
	Metadata                map[string]string
	State                   photogate.State
	After                   string
	Secrets                 any
	Headers                 map[string]string
	Body                    string
	Now                     *float64
	Tolerance               *float64
	Parse                   bool
}

type document map[string]any

func seconds(value float64) time.Duration { return time.Duration(value * float64(time.Second)) }

func read[T any](raw json.RawMessage) (made T, err error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	return made, decoder.Decode(&made)
}

func verify(q asked) (any, error) {
	var secrets []string
	switch given := q.Secrets.(type) {
	case string:
		secrets = []string{given}
	case []any:
		for _, each := range given {
			secrets = append(secrets, each.(string))
		}
	}
	verifier, err := photogate.NewVerifier(secrets...)
	if err != nil {
		return nil, usage{err}
	}
	if q.Now != nil {
		verifier.Now = func() time.Time { return time.Unix(int64(*q.Now), 0) }
	}
	header := http.Header{}
	for name, value := range q.Headers {
		header.Set(name, value)
	}
	body, err := base64.StdEncoding.DecodeString(q.Body)
	if err != nil {
		return nil, err
	}
	if q.Parse {
		return verifier.Verify(header, body)
	}
	return nil, verifier.VerifySignature(header, body)
}

type usage struct{ error }

type seen struct {
	calls int
	last  []int64
}

func watched(ctx context.Context, q asked) (context.Context, photogate.SendOptions, *seen) {
	ctx, cancel := context.WithCancel(ctx)
	told := &seen{}
	ways := map[string]photogate.Way{"direct": photogate.Direct, "resumable": photogate.Resumable}
	return ctx, photogate.SendOptions{Way: ways[q.Way], Progress: func(sent, total int64) {
		told.calls, told.last = told.calls+1, []int64{sent, total}
		if q.AbortAfter != nil && sent >= *q.AbortAfter {
			cancel()
		}
	}}, told
}

func result(upload *photogate.Upload, told *seen, err error) (any, error) {
	return document{"upload": upload, "progress": document{"calls": told.calls, "last": told.last}}, err
}

func answer(q asked) (any, error) {
	if q.Op == "verify" {
		return verify(q)
	}
	client, err := photogate.NewClient(q.Gateway, q.Credential)
	if err != nil {
		return nil, usage{err}
	}
	client.Retry.Base = 50 * time.Millisecond
	if q.Attempts > 0 {
		client.Retry.Attempts = q.Attempts
	}
	if q.Timeout > 0 {
		client.Timeout = seconds(q.Timeout)
	}
	ctx := context.Background()
	wait := time.Minute
	if q.Wait != nil {
		wait = seconds(*q.Wait)
	}
	switch q.Op {
	case "create":
		wanted, err := read[photogate.NewUpload](q.Wanted)
		if err != nil {
			return nil, err
		}
		return client.CreateUpload(ctx, wanted)
	case "batch":
		made, err := client.CreateUploads(ctx, q.Uploads)
		if err != nil {
			return nil, err
		}
		items := []any{}
		for _, each := range made.Data {
			if each.Refused != nil {
				items = append(items, document{"code": each.Refused.Code, "index": each.Index})
			} else {
				items = append(items, each.Created)
			}
		}
		return document{"data": items, "created": made.Created, "refused": made.Refused}, nil
	case "upload":
		wanted, err := read[photogate.NewUpload](q.Wanted)
		if err != nil {
			return nil, err
		}
		ctx, options, told := watched(ctx, q)
		upload, err := client.UploadFile(ctx, q.File, wanted, options, wait)
		return result(upload, told, err)
	case "send":
		file, err := os.Open(q.File)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		facts, err := file.Stat()
		if err != nil {
			return nil, err
		}
		ctx, options, told := watched(ctx, q)
		upload, err := client.Send(ctx, q.Created, file, facts.Size(), options)
		return result(upload, told, err)
	case "wait":
		return client.WaitForUpload(ctx, q.ID, seconds(q.Seconds))
	case "list":
		ids := []string{}
		uploads := client.ListUploads(photogate.Filter{Metadata: q.Metadata, State: q.State, PageSize: q.PageSize})
		for uploads.Next(ctx) {
			ids = append(ids, uploads.Value().ID)
		}
		return ids, uploads.Err()
	case "list_packages":
		ids := []string{}
		packages := client.ListPackages(q.PageSize)
		for packages.Next(ctx) {
			ids = append(ids, packages.Value().ID)
		}
		return ids, packages.Err()
	case "events":
		pages := []document{}
		for after := q.After; ; {
			page, err := client.Events(ctx, after, q.PageSize)
			if err != nil {
				return nil, err
			}
			types := []photogate.CallbackType{}
			for _, event := range page.Data {
				types = append(types, event.Type)
			}
			pages = append(pages, document{"page": types, "next": page.Next})
			if after = page.Next; !page.More {
				return pages, nil
			}
		}
	case "create_package":
		wanted, err := read[photogate.NewPackage](q.Wanted)
		if err != nil {
			return nil, err
		}
		return client.CreatePackage(ctx, wanted)
	case "get_package":
		return client.GetPackage(ctx, q.ID, wait)
	case "create_token":
		wanted, err := read[photogate.NewToken](q.Wanted)
		if err != nil {
			return nil, err
		}
		return client.CreateToken(ctx, wanted)
	case "get_profile":
		return client.GetProfile(ctx, "")
	case "image_url":
		return client.ImageURL(ctx, q.ID, photogate.NewImageURL{})
	case "package_url":
		return client.PackageURL(ctx, q.ID, photogate.NewPackageURL{})
	case "get_upload":
		return client.GetUpload(ctx, q.ID, 0)
	case "delete_upload":
		return client.DeleteUpload(ctx, q.ID)
	case "delete_package":
		return client.DeletePackage(ctx, q.ID)
	}
	return nil, fmt.Errorf("no such op: %s", q.Op)
}

func told(err error) document {
	var problem *photogate.ProblemError
	var store *photogate.StoreError
	var network *photogate.NetworkError
	var signature *photogate.SignatureError
	var wrong usage
	switch {
	case errors.As(err, &problem):
		return document{"type": "problem", "status": problem.Status, "code": problem.Code, "title": problem.Title, "detail": problem.Detail,
			"request_id": problem.RequestID, "errors": problem.Errors, "retry_after": problem.RetryAfter.Seconds()}
	case errors.As(err, &store):
		return document{"type": "store", "status": store.Status, "code": store.Code}
	case errors.As(err, &network):
		return document{"type": "network", "message": err.Error()}
	case errors.As(err, &signature):
		return document{"type": "signature", "message": err.Error()}
	case errors.Is(err, context.Canceled):
		return document{"type": "aborted", "message": err.Error()}
	case errors.As(err, &wrong):
		return document{"type": "usage", "message": err.Error()}
	}
	panic(err)
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var q asked
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			panic(err)
		}
		made := document{}
		if value, err := answer(q); err != nil {
			made["error"] = told(err)
		} else {
			made["ok"] = value
		}
		text, err := json.Marshal(made)
		if err != nil {
			panic(err)
		}
		fmt.Println(string(text))
	}
}
