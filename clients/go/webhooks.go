package photogate

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Tolerance is how far a callback's timestamp may be from the clock, either way.
const Tolerance = 5 * time.Minute

// Verifier verifies callbacks, which are signed according to Standard Webhooks. It may be used by several goroutines.
type Verifier struct {
	keys [][]byte
	// Tolerance is in place of the constant where it is not 0.
	Tolerance time.Duration
	// Now is in place of the clock where it is not nil.
	Now func() time.Time
}

// NewVerifier takes the callback secrets ("whsec_…"): one, or while it is rotated the old one and the new one.
func NewVerifier(secrets ...string) (*Verifier, error) {
	made := &Verifier{}
	for _, secret := range secrets {
		key, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil || len(key) == 0 {
			return nil, errors.New("photogate: a callback secret is not 'whsec_' and base64")
		}
		made.keys = append(made.keys, key)
	}
	if len(made.keys) == 0 {
		return nil, errors.New("photogate: there is no callback secret")
	}
	return made, nil
}

// VerifySignature returns a *SignatureError unless one of the signatures was made with one of the secrets, a short time ago.
// body is the raw body, before any parsing.
func (v *Verifier) VerifySignature(header http.Header, body []byte) error {
	id, stamp, signatures := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp"), header.Get("Webhook-Signature")
	if id == "" || stamp == "" || signatures == "" {
		return &SignatureError{"webhook-id, webhook-timestamp or webhook-signature is missing"}
	}
	seconds, err := strconv.ParseUint(stamp, 10, 63)
	if err != nil || len(stamp) > 11 {
		return &SignatureError{"webhook-timestamp is not a number of seconds"}
	}
	now, tolerance := time.Now(), Tolerance
	if v.Now != nil {
		now = v.Now()
	}
	if v.Tolerance != 0 {
		tolerance = v.Tolerance
	}
	if math.Abs(float64(now.Unix())-float64(seconds)) > tolerance.Seconds() {
		return &SignatureError{"webhook-timestamp is too far from this machine's clock"}
	}
	genuine := false
	for _, key := range v.keys {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + stamp + "."))
		mac.Write(body)
		expected := []byte("v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		for _, entry := range strings.Split(signatures, " ") {
			genuine = hmac.Equal([]byte(entry), expected) || genuine
		}
	}
	if !genuine {
		return &SignatureError{"no signature matches"}
	}
	return nil
}

// Verify returns the callback's document, once its signature is verified as VerifySignature does.
func (v *Verifier) Verify(header http.Header, body []byte) (*Event, error) {
	if err := v.VerifySignature(header, body); err != nil {
		return nil, err
	}
	event := &Event{}
	if !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) || json.Unmarshal(body, event) != nil {
		return nil, &SignatureError{"the body is signed and is not a JSON object"}
	}
	return event, nil
}
