// Package inprocess is what the programs beside it share: istiod's own code in one process, asked by JSON lines.
package inprocess

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"istio.io/istio/pkg/log"
)

// Main runs a program that asks istiod, without istiod's own log; an error ends it with 1.
func Main(name string, run func() error) {
	err := ambient()
	if err == nil {
		for _, s := range log.Scopes() {
			s.SetOutputLevel(log.NoneLevel)
		}
		err = run()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// ambient starts the program again with istiod's ambient flags on: istiod reads its flags before main.
func ambient() error {
	const flag = "PILOT_ENABLE_AMBIENT"
	if _, set := os.LookupEnv(flag); set {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return syscall.Exec(self, os.Args, append(os.Environ(), flag+"=true"))
}

// Lines answers each line's case with a line.
func Lines[C, A any](in io.Reader, out io.Writer, answer func(*C) A) error {
	r, w := bufio.NewReaderSize(in, 1<<20), bufio.NewWriter(out)
	for {
		line, err := r.ReadBytes('\n')
		if len(strings.TrimSpace(string(line))) > 0 {
			c := new(C)
			if err := json.Unmarshal(line, c); err != nil {
				return fmt.Errorf("case: %w", err)
			}
			b, err := json.Marshal(answer(c))
			if err != nil {
				return err
			}
			if _, err := w.Write(append(b, '\n')); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return w.Flush()
		} else if err != nil {
			return err
		}
	}
}
