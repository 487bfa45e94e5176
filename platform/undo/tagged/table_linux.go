package tagged

import (
	"errors"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

// Table is the name of our nftables table, of the family inet.
const Table = "holdfast"

// RemoveTable removes our table with all that is in it, and reports whether it was there. A kernel without nftables has none, and who may not look has made none.
func RemoveTable() (bool, error) {
	c, err := nftables.New()
	if err != nil {
		return false, err
	}
	tables, err := c.ListTablesOfFamily(nftables.TableFamilyINet)
	for _, e := range []error{unix.EOPNOTSUPP, unix.EPROTONOSUPPORT, unix.EAFNOSUPPORT, unix.EINVAL, unix.EPERM} {
		if errors.Is(err, e) {
			return false, nil
		}
	}
	if err != nil {
		return false, err
	}
	for _, t := range tables {
		if t.Name != Table {
			continue
		}
		c.DelTable(t)
		if err := c.Flush(); err != nil && !Gone(err) {
			return false, err
		}
		return true, nil
	}
	return false, nil
}
