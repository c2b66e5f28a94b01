package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

// hits are the applications that were reached since they were last asked for.
type hits struct {
	mu  sync.Mutex
	all []Hit
}

func (h *hits) add(of Hit) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, of)
}

func (h *hits) take() []Hit {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.all
	h.all = nil
	return all
}

// serve is a pod's application: it takes whatever comes, and tells requests by their first bytes.
func serve(at, pod string, into *hits) (net.Listener, error) {
	l, err := net.Listen("tcp", at)
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go talk(c, pod, into)
		}
	}()
	return l, nil
}

// peeked is a connection of which something was read.
type peeked struct {
	net.Conn
	from io.Reader
}

func (p peeked) Read(b []byte) (int, error) { return p.from.Read(b) }

func talk(c net.Conn, pod string, into *hits) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	r := bufio.NewReader(c)
	head, err := r.Peek(3)
	if err != nil {
		return
	}
	answer := func(request *http.Request) {
		into.add(Hit{Pod: pod, Kind: "http", Identity: peer(request.Header.Get("x-forwarded-client-cert"))})
	}
	switch string(head) {
	case "GET":
		request, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		answer(request)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
	case "PRI":
		(&http2.Server{}).ServeConn(peeked{c, r}, &http2.ServeConnOpts{
			Handler: http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) { answer(request) }),
		})
	default:
		kind := "bytes"
		if head[0] == 0x16 { // a handshake
			kind = "tls"
		}
		into.add(Hit{Pod: pod, Kind: kind})
		_, _ = io.WriteString(c, "reached")
	}
}

// peer is the identity of the client's certificate.
func peer(forwarded string) string {
	for _, field := range strings.Split(forwarded, ";") {
		if uri, found := strings.CutPrefix(field, "URI=spiffe://"); found {
			return uri
		}
	}
	return ""
}
