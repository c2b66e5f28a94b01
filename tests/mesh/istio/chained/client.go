package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const patience = 4 * time.Second

// ask opens a connection as a client's application does, and says what came back.
func ask(a *Ask, client *Pod) string {
	to := net.JoinHostPort(client.IP, "15001")
	if a.Past {
		to = net.JoinHostPort(a.Address, strconv.Itoa(a.Port))
	}
	c, err := dial(net.ParseIP(client.IP), to)
	if err != nil {
		return "no connection"
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	var b strings.Builder
	if !a.Past {
		fmt.Fprintf(&b, "PROXY TCP4 %s %s %d %d\r\n", client.IP, a.Address, 40000, a.Port)
	}
	if a.Host == "" {
		b.WriteString("\x00bytes\r\n")
	} else {
		fmt.Fprintf(&b, "GET / HTTP/1.1\r\nhost: %s\r\nconnection: close\r\n\r\n", a.Host)
	}
	if _, err := io.WriteString(c, b.String()); err != nil {
		return "closed"
	}
	if a.Host == "" {
		heard := make([]byte, len("reached"))
		if _, err := io.ReadFull(c, heard); err != nil {
			return "closed"
		}
		return string(heard)
	}
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return "closed"
	}
	response.Body.Close()
	return strconv.Itoa(response.StatusCode)
}
