package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/url"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tls "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
)

// pki is a throw-away CA.
type pki struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newPKI() (*pki, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{"chained"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &pki{key: key, cert: cert}, err
}

// secrets are what istio-agent gives an Envoy: the workload's certificate, and the mesh's root.
func (p *pki) secrets(namespace, account string) ([]*tls.Secret, error) {
	id := &url.URL{Scheme: "spiffe", Host: "cluster.local", Path: "/ns/" + namespace + "/sa/" + account}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, URIs: []*url.URL{id},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	// one key for all: only the names matter here
	der, err := x509.CreateCertificate(rand.Reader, t, p.cert, &p.key.PublicKey, p.key)
	if err != nil {
		return nil, err
	}
	key, err := x509.MarshalECPrivateKey(p.key)
	if err != nil {
		return nil, err
	}
	text := func(kind string, der []byte) *core.DataSource {
		return &core.DataSource{Specifier: &core.DataSource_InlineBytes{InlineBytes: pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})}}
	}
	root := func(name string) *tls.Secret {
		return &tls.Secret{Name: name, Type: &tls.Secret_ValidationContext{ValidationContext: &tls.CertificateValidationContext{
			TrustedCa: text("CERTIFICATE", p.cert.Raw),
		}}}
	}
	return []*tls.Secret{
		{Name: "default", Type: &tls.Secret_TlsCertificate{TlsCertificate: &tls.TlsCertificate{
			CertificateChain: text("CERTIFICATE", der), PrivateKey: text("EC PRIVATE KEY", key),
		}}},
		root("ROOTCA"),
		// of a DestinationRule's own TLS
		root("file-root:system"),
	}, nil
}
