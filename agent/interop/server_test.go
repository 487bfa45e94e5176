package interop

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

// serveInside is the inside host's web server, run as a process of its own in the inside namespace. It serves until it is killed.
func serveInside(addrs []string) {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "inside %s\n", r.RemoteAddr)
	})
	// /sink takes what is posted and says how much it was.
	mux.HandleFunc("/sink", func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "%d bytes, %v\n", n, err)
	})
	// /slow?n=BYTES&ms=PAUSE sends n bytes in chunks of 16 KiB with a pause after each, and their SHA-256 in the trailer.
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.FormValue("n"))
		pause, _ := strconv.Atoi(r.FormValue("ms"))
		w.Header().Set("Trailer", "X-Sum")
		chunk := bytes.Repeat([]byte("holdfast"), 2048)
		if size, _ := strconv.Atoi(r.FormValue("chunk")); size > 0 {
			chunk = chunk[:min(size, len(chunk))]
		}
		sum := sha256.New()
		for sent := 0; sent < n; {
			part := chunk[:min(len(chunk), n-sent)]
			if _, err := io.MultiWriter(w, sum).Write(part); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			sent += len(part)
			time.Sleep(time.Duration(pause) * time.Millisecond)
		}
		w.Header().Set("X-Sum", hex.EncodeToString(sum.Sum(nil)))
	})
	fail := make(chan error)
	for _, a := range addrs {
		l, err := net.Listen("tcp", a)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		go func() { fail <- http.Serve(l, mux) }()
	}
	fmt.Println("ready")
	fmt.Fprintln(os.Stderr, <-fail)
	os.Exit(1)
}

// fetch is the client's download, run as a process of its own in the client namespace: one GET whose body it counts and sums, with a
// deadline between any two reads. It prints "BYTES SUM TRAILER".
func fetch(url string, stall time.Duration) error {
	conn := &http.Transport{DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: conn}).Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	sum, total, buf := sha256.New(), 0, make([]byte, 64<<10)
	for {
		timer := time.AfterFunc(stall, func() { resp.Body.Close() })
		n, err := resp.Body.Read(buf)
		timer.Stop()
		sum.Write(buf[:n])
		total += n
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("after %d bytes: %w", total, err)
		}
	}
	fmt.Printf("%d %s %s\n", total, hex.EncodeToString(sum.Sum(nil)), resp.Trailer.Get("X-Sum"))
	return nil
}
