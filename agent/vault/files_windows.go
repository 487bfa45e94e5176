package vault

import (
	"errors"
	"io/fs"
)

// alone refuses what is no plain file; who may use it, the directory's access list says.
func alone(info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return errors.New("it is no plain file")
	}
	return nil
}
