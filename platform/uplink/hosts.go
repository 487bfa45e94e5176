package uplink

import (
	"bufio"
	"io"
	"net/netip"
	"os"
	"strings"
)

const (
	maxHosts     = 4 << 20 // bytes of the hosts file that are read
	maxAddresses = 16      // taken for one name, from whatever source
)

// fromHosts returns the addresses the hosts file gives for the name; a file that cannot be read gives none.
func fromHosts(path, name string) []netip.Addr {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	return scanHosts(io.LimitReader(f, maxHosts), name)
}

// scanHosts reads hosts(5): an address and its names per line, # begins a comment. Lines that are not that are passed over.
func scanHosts(r io.Reader, name string) []netip.Addr {
	var out []netip.Addr
	name = strings.TrimSuffix(name, ".")
	for sc := bufio.NewScanner(r); sc.Scan() && len(out) < maxAddresses; {
		line, _, _ := strings.Cut(sc.Text(), "#")
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		addr, err := netip.ParseAddr(fields[0])
		if err != nil {
			continue
		}
		for _, n := range fields[1:] {
			if strings.EqualFold(strings.TrimSuffix(n, "."), name) {
				out = append(out, addr.Unmap())
				break
			}
		}
	}
	return out
}
