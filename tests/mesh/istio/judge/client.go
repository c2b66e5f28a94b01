package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
)

const patience = 5 * time.Second

// client puts requests to one enforcement point and reads Envoy's answer.
type client struct {
	pki   *pki
	kind  string
	addrs map[string]string // by listener
	name  string            // of the case's listener
	ports *atomic.Uint32    // the last port that a client was said to have
	vips  map[string]string
}

// do answers one request. An answer that the connection's line in the access log must complete comes with
// the key of that line.
func (c *client) do(r *Request) (Result, string) {
	if c.kind == "waypoint" && r.Principal == "" {
		return Result{Verdict: "refused", Details: "a waypoint takes no plaintext"}, ""
	}
	conn, key, err := c.connect(r)
	if err != nil {
		return Result{Verdict: "refused", Details: err.Error()}, ""
	}
	defer conn.Close()
	if r.Protocol == "tcp" {
		return c.talkTCP(conn, r), key
	}
	talk := c.talkHTTP
	if r.Protocol == "http2" {
		talk = c.talkHTTP2
	}
	res, answered := talk(conn, r)
	if answered {
		key = ""
	}
	return res, key
}

// connect opens the connection up to the point where the application's first byte can be sent.
func (c *client) connect(r *Request) (io.ReadWriteCloser, string, error) {
	src := orElse(r.SourceIP, "127.0.0.1")
	bind := src
	if !strings.HasPrefix(src, "127.") {
		if c.kind != "waypoint" {
			return nil, "", fmt.Errorf("source_ip %s: the direct peer can only be in 127.0.0.0/8 here", src)
		}
		bind = "127.0.0.1"
	}
	dst := r.DestIP
	if r.DestService != "" {
		dst = c.vips[r.DestService]
		if dst == "" {
			return nil, "", fmt.Errorf("dest_service %s is not among the objects", r.DestService)
		}
	}
	dst = orElse(dst, ownIP)
	port := r.DestPort
	if port == 0 {
		port = 8080
	}
	listener := c.name
	if c.kind == "gateway" {
		listener = gatewayListener(c.name, port)
	}
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(bind)}, Timeout: patience}
	tcp, err := d.DialContext(context.Background(), "tcp", c.addrs[listener])
	if err != nil {
		return nil, "", err
	}
	_ = tcp.SetDeadline(time.Now().Add(patience))
	remote := orElse(r.RemoteIP, src)
	// a port that no other request of this Envoy has: it finds the connection's line in the access log
	own := 1024 + c.ports.Add(1)%60000
	key := listener + " " + net.JoinHostPort(remote, fmt.Sprint(own))
	family := "TCP4"
	if strings.Contains(remote, ":") {
		family = "TCP6"
	}
	if _, err := fmt.Fprintf(tcp, "PROXY %s %s %s %d %d\r\n", family, remote, dst, own, port); err != nil {
		tcp.Close()
		return nil, key, err
	}
	if c.kind == "gateway" && r.TLS != "terminate" || c.kind != "gateway" && r.Principal == "" {
		return tcp, key, nil
	}
	t, err := c.handshake(tcp, r)
	if err != nil {
		tcp.Close()
		return nil, key, fmt.Errorf("tls: %w", err)
	}
	if c.kind != "waypoint" {
		return t, key, nil
	}
	s, err := tunnel(t, net.JoinHostPort(dst, fmt.Sprint(port)))
	return s, key, err
}

func (c *client) handshake(tcp net.Conn, r *Request) (*tls.Conn, error) {
	conf := &tls.Config{InsecureSkipVerify: true, ServerName: r.SNI, CurvePreferences: []tls.CurveID{tls.X25519}}
	if r.Principal != "" {
		cert, err := c.pki.client(r.Principal)
		if err != nil {
			return nil, err
		}
		// always this certificate: by itself Go holds back those it cannot parse (odd SPIFFE ids)
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
	}
	switch {
	case c.kind == "waypoint":
		conf.NextProtos, conf.ServerName = []string{"h2"}, ""
	case c.kind == "gateway" && r.Protocol == "tcp":
	case c.kind == "gateway" && r.Protocol == "http2":
		conf.NextProtos = []string{"h2"}
	case c.kind == "gateway":
		conf.NextProtos = []string{"http/1.1"}
	case r.Protocol == "tcp":
		conf.NextProtos = []string{"istio"}
	case r.Protocol == "http2":
		conf.NextProtos = []string{"istio-h2", "istio", "h2"}
	default:
		conf.NextProtos = []string{"istio-http/1.1", "istio", "http/1.1"}
	}
	t := tls.Client(tcp, conf)
	return t, t.Handshake()
}

// hello is the start of a TLS connection, for gateways that pass it on unopened.
func hello(sni string) []byte {
	a, b := net.Pipe()
	go func() {
		_ = tls.Client(a, &tls.Config{InsecureSkipVerify: true, ServerName: sni}).Handshake()
	}()
	buf := make([]byte, 1<<14)
	n, _ := b.Read(buf)
	a.Close()
	b.Close()
	return buf[:n]
}

// tunnel opens an HBONE stream: an HTTP/2 CONNECT, as ztunnel does.
func tunnel(t *tls.Conn, target string) (io.ReadWriteCloser, error) {
	h2, err := (&http2.Transport{}).NewClientConn(t)
	if err != nil {
		t.Close()
		return nil, err
	}
	pr, pw := io.Pipe()
	resp, err := h2.RoundTrip(&http.Request{
		Method: http.MethodConnect, URL: &url.URL{Host: target}, Host: target, Body: pr, Header: http.Header{},
	})
	if err != nil {
		t.Close()
		return nil, fmt.Errorf("hbone: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Close()
		return nil, fmt.Errorf("hbone: CONNECT got %d %s", resp.StatusCode, resp.Header)
	}
	return &stream{Reader: resp.Body, WriteCloser: pw, conn: t}, nil
}

type stream struct {
	io.Reader
	io.WriteCloser
	conn net.Conn
}

func (s *stream) Close() error {
	_ = s.WriteCloser.Close()
	return s.conn.Close()
}

// talkTCP says something and waits for the echo.
func (c *client) talkTCP(conn io.ReadWriter, r *Request) Result {
	said := []byte("\x00judge")
	if r.TLS == "passthrough" {
		said = hello(r.SNI)
	}
	if _, err := conn.Write(said); err != nil {
		return Result{Verdict: "error", Details: "write: " + err.Error()}
	}
	heard := make([]byte, len(said))
	if _, err := io.ReadFull(conn, heard); err != nil {
		return Result{Verdict: "error", Details: "read: " + err.Error()}
	}
	if !bytes.Equal(heard, said) {
		return Result{Verdict: "error", Details: fmt.Sprintf("read: no echo: %q", heard)}
	}
	return Result{Verdict: "allow"}
}

// talkHTTP sends a request. False when what came back is no HTTP: an echo, or the end.
func (c *client) talkHTTP(conn io.ReadWriter, r *Request) (Result, bool) {
	method := orElse(r.Method, "GET")
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nhost: %s\r\n", method, orElse(r.Path, "/"), orElse(r.Host, "app"))
	for _, h := range r.Headers {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	if r.JWT != nil {
		tok, err := c.pki.token(r.JWT, r.BadJWT)
		if err != nil {
			return Result{Verdict: "error", Details: err.Error()}, true
		}
		fmt.Fprintf(&b, "authorization: Bearer %s\r\n", tok)
	}
	b.WriteString("\r\n")
	if _, err := io.WriteString(conn, b.String()); err != nil {
		return Result{Verdict: "error", Details: "write: " + err.Error()}, false
	}
	in := bufio.NewReader(conn)
	head, err := in.Peek(5)
	if err != nil {
		return Result{Verdict: "error", Details: "read: " + err.Error()}, false
	}
	switch {
	case strings.HasPrefix(b.String(), string(head)):
		return Result{Verdict: "allow"}, false // an echo
	case string(head) != "HTTP/":
		return Result{Verdict: "error", Details: fmt.Sprintf("read: neither HTTP nor an echo: %q", head)}, false
	}
	resp, err := http.ReadResponse(in, &http.Request{Method: method})
	if err != nil {
		return Result{Verdict: "error", Details: "read: " + err.Error()}, true
	}
	defer resp.Body.Close()
	return answer(resp.StatusCode, resp.Header.Get), true
}

// answer reads the verdict from a response.
func answer(status int, header func(string) string) Result {
	res := Result{Status: status, Seen: map[string]string{}}
	for k := range seenHTTP {
		v := header(seenHeader + k)
		switch k {
		case "details":
			res.Details = v
		case "rbac":
			res.Metadata = v
		default:
			if v != "" && v != "-" {
				res.Seen[k] = v
			}
		}
	}
	if res.Metadata == "-" {
		res.Metadata = ""
	}
	res.judge()
	res.Asked = fromMetadata(res.Metadata, askedBy)
	return res
}

const deniedBy = "rbac_access_denied_matched_policy["

// judge reads the verdict from status and details.
func (r *Result) judge() {
	switch {
	case strings.HasPrefix(r.Details, deniedBy):
		r.Verdict = "deny"
		r.Policy = strings.TrimSuffix(strings.TrimPrefix(r.Details, deniedBy), "]")
	case strings.HasPrefix(r.Details, "jwt_authn_access_denied"):
		r.Verdict = "deny"
	case r.Status == 200 && (r.Details == "direct_response" || r.Details == viaUpstream):
		r.Verdict = "allow"
		r.Policy = fromMetadata(r.Metadata, enforced)
	default:
		r.Verdict = "error"
	}
}

// Keys of the RBAC filters' dynamic metadata: the rule that let a request pass, and the CUSTOM rule that matched.
const (
	enforced = "enforced_effective_policy_id"
	askedBy  = "istio_ext_authz_shadow_effective_policy_id"
)

func fromMetadata(metadata, key string) string {
	var m map[string]any
	if json.Unmarshal([]byte(metadata), &m) != nil {
		return ""
	}
	id, _ := m[key].(string)
	return id
}

func orElse(s, d string) string {
	if s == "" {
		return d
	}
	return s
}
