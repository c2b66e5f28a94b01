package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// talkHTTP2 sends a request as HTTP/2, each header as it is said: Go's own client would put some right. False
// when no response came back.
func (c *client) talkHTTP2(conn io.ReadWriter, r *Request) (Result, bool) {
	failed := func(format string, args ...any) (Result, bool) {
		return Result{Verdict: "error", Details: fmt.Sprintf(format, args...)}, false
	}
	fields := [][2]string{
		{":method", orElse(r.Method, "GET")}, {":scheme", "http"}, {":authority", orElse(r.Host, "app")}, {":path", orElse(r.Path, "/")},
	}
	fields = append(fields, r.Headers...)
	if r.JWT != nil {
		tok, err := c.pki.token(r.JWT, r.BadJWT)
		if err != nil {
			return failed("%v", err)
		}
		fields = append(fields, [2]string{"authorization", "Bearer " + tok})
	}
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, f := range fields {
		if err := encoder.WriteField(hpack.HeaderField{Name: strings.ToLower(f[0]), Value: f[1]}); err != nil {
			return failed("%v", err)
		}
	}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		return failed("write: %v", err)
	}
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if err := framer.WriteSettings(); err != nil {
		return failed("write: %v", err)
	}
	head := http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true}
	if err := framer.WriteHeaders(head); err != nil {
		return failed("write: %v", err)
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return failed("read: %v", err)
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				_ = framer.WriteSettingsAck()
			}
		case *http2.MetaHeadersFrame:
			said := map[string]string{}
			for _, f := range frame.Fields {
				said[f.Name] = f.Value
			}
			var status int
			if _, err := fmt.Sscan(said[":status"], &status); err != nil {
				return failed("read: no status: %v", err)
			}
			return answer(status, func(name string) string { return said[strings.ToLower(name)] }), true
		case *http2.RSTStreamFrame:
			return failed("stream reset: %v", frame.ErrCode)
		case *http2.GoAwayFrame:
			return failed("go away: %v", frame.ErrCode)
		}
	}
}
