package main

import (
	"io"
	"net"
	"sync/atomic"
)

// relay is what a node makes of an address of a Service: a connection of the same client to one of the endpoints, in turn.
func relay(at string, to []string) (net.Listener, error) {
	l, err := net.Listen("tcp", at)
	if err != nil {
		return nil, err
	}
	var next atomic.Uint32
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if len(to) == 0 {
					return
				}
				up, err := dial(c.RemoteAddr().(*net.TCPAddr).IP, to[int(next.Add(1))%len(to)])
				if err != nil {
					return
				}
				go func() {
					_, _ = io.Copy(up, c)
					_ = up.(*net.TCPConn).CloseWrite()
				}()
				_, _ = io.Copy(c, up)
				up.Close()
			}()
		}
	}()
	return l, nil
}

// dial connects from an address of this machine's own.
func dial(from net.IP, to string) (net.Conn, error) {
	return (&net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: from}}).Dial("tcp", to)
}
