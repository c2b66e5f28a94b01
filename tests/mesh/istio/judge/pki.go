package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// pki is a throw-away CA, the server's certificate, client certificates by principal, and the JWT keys.
type pki struct {
	dir    string
	caKey  *ecdsa.PrivateKey
	caCert *x509.Certificate
	mu     sync.Mutex
	byURI  map[string]*tls.Certificate
	jwtKey *ecdsa.PrivateKey
	badKey *ecdsa.PrivateKey
}

func newPKI(dir string) (*pki, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{"judge"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	ca, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	p := &pki{dir: dir, caKey: key, caCert: ca, byURI: map[string]*tls.Certificate{}}
	if p.jwtKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	if p.badKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	srv, err := p.issue("spiffe://server.local/ns/server/sa/server")
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalECPrivateKey(srv.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		return nil, err
	}
	for name, block := range map[string]*pem.Block{
		"ca.pem":  {Type: "CERTIFICATE", Bytes: der},
		"crt.pem": {Type: "CERTIFICATE", Bytes: srv.Certificate[0]},
		"key.pem": {Type: "EC PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *pki) issue(uri string) (*tls.Certificate, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return nil, err
	}
	key := p.caKey // one key for all: only the names matter here
	t := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, URIs: []*url.URL{u},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, t, p.caCert, &key.PublicKey, p.caKey)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

func spiffeURI(principal string) string {
	if strings.Contains(principal, "://") {
		return principal
	}
	return "spiffe://" + principal
}

// client gives the certificate of a principal; each is made once.
func (p *pki) client(principal string) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	uri := spiffeURI(principal)
	if c, ok := p.byURI[uri]; ok {
		return c, nil
	}
	c, err := p.issue(uri)
	if err == nil {
		p.byURI[uri] = c
	}
	return c, err
}

// jwks is the key set that the harness puts into every RequestAuthentication.
func (p *pki) jwks() string {
	x, y := make([]byte, 32), make([]byte, 32)
	p.jwtKey.X.FillBytes(x) //nolint:staticcheck // the coordinates are what a JWK holds
	p.jwtKey.Y.FillBytes(y)
	enc := base64.RawURLEncoding.EncodeToString
	b, _ := json.Marshal(map[string]any{"keys": []any{map[string]string{
		"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "judge", "x": enc(x), "y": enc(y),
	}}})
	return string(b)
}

// token signs claims; exp is added when it is missing.
func (p *pki) token(claims map[string]any, bad bool) (string, error) {
	c := map[string]any{"exp": time.Now().Add(time.Hour).Unix()}
	for k, v := range claims {
		c[k] = v
	}
	body, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	enc := base64.RawURLEncoding.EncodeToString
	signed := enc([]byte(`{"alg":"ES256","kid":"judge","typ":"JWT"}`)) + "." + enc(body)
	sum := sha256.Sum256([]byte(signed))
	key := p.jwtKey
	if bad {
		key = p.badKey
	}
	r, t, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		return "", err
	}
	sig := append(r.FillBytes(make([]byte, 32)), t.FillBytes(make([]byte, 32))...)
	return signed + "." + enc(sig), nil
}
