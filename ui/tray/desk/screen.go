package desk

import (
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// Screen is an X server without hardware and without a window manager.
type Screen struct {
	t       testing.TB
	Display string // as DISPLAY has it
	buffer  string // the file of its frame buffer
}

// NewScreen starts one, which ends with the test.
func NewScreen(t testing.TB) *Screen {
	t.Helper()
	testenv.Require(t, "Xvfb", "xdotool")
	dir := t.TempDir()
	number := start(t, nil, "Xvfb", "-displayfd", "3", "-screen", "0", "1280x900x24", "-fbdir", dir, "-nolisten", "tcp", "-noreset")
	return &Screen{t, ":" + number, filepath.Join(dir, "Xvfb_screen0")}
}

// do runs xdotool.
func (s *Screen) do(args ...string) (string, error) {
	cmd := exec.Command("xdotool", args...)
	cmd.Env = append(os.Environ(), "DISPLAY="+s.Display)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// Windows are the ids of the windows with that title that can be seen.
func (s *Screen) Windows(title string) []string {
	out, err := s.do("search", "--onlyvisible", "--name", "^"+title+"$")
	if err != nil { // it found none
		return nil
	}
	return strings.Fields(out)
}

// Window waits for a window to be seen, gives it the keyboard and returns its id.
func (s *Screen) Window(title string) string {
	s.t.Helper()
	var id string
	Await(s.t, "a window "+title, func() bool {
		all := s.Windows(title)
		if len(all) == 0 {
			return false
		}
		id = all[0]
		_, err := s.do("windowfocus", "--sync", id)
		return err == nil
	})
	return id
}

// Type types a text into the window that has the keyboard.
func (s *Screen) Type(text string) { s.must("type", "--delay", "20", "--", text) }

// Press presses keys, by xdotool's names: Tab, Return, ctrl+c.
func (s *Screen) Press(keys ...string) { s.must(append([]string{"key", "--delay", "20"}, keys...)...) }

// Click clicks at a place of a window.
func (s *Screen) Click(window string, x, y int) {
	s.must("mousemove", "--window", window, fmt.Sprint(x), fmt.Sprint(y), "click", "1")
}

func (s *Screen) must(args ...string) {
	s.t.Helper()
	if out, err := s.do(args...); err != nil {
		s.t.Fatalf("xdotool %s: %v\n%s", args[0], err, out)
	}
}

// Picture is what is on the screen now: the frame buffer in the format of xwd(1), whose header is in 32-bit words, the most significant byte first.
func (s *Screen) Picture() (image.Image, error) {
	raw, err := os.ReadFile(s.buffer)
	if err != nil {
		return nil, err
	}
	word := func(n int) int {
		if len(raw) < 4*n+4 {
			return 0
		}
		return int(binary.BigEndian.Uint32(raw[4*n:]))
	}
	width, height, bits, line := word(4), word(5), word(11), word(12)
	pixels := raw[min(len(raw), word(0)+12*word(19)):] // after the header and a table of colours
	if bits != 32 || line < 4*width || len(pixels) < line*height {
		return nil, fmt.Errorf("desk: a frame buffer of %d by %d pixels of %d bits in %d bytes", width, height, bits, len(raw))
	}
	out := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			p := pixels[y*line+4*x:] // blue, green, red: the machine is little-endian
			out.SetNRGBA(x, y, color.NRGBA{p[2], p[1], p[0], 255})
		}
	}
	return out, nil
}

// Save writes a picture of the screen to a file.
func (s *Screen) Save(path string) error {
	p, err := s.Picture()
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return png.Encode(f, p)
}
