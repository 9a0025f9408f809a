package lab

import (
	"fmt"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
)

// AsUser moves the name into an otherName, where Fulcio writes user names of issuers that know no URI for people.
func (id Identity) AsUser(name string) (Identity, error) {
	san, err := cryptoutils.MarshalOtherNameSAN(name, true)
	if err != nil {
		return Identity{}, fmt.Errorf("write user name: %w", err)
	}
	id.SAN, id.SANs, id.Email = "", nil, ""
	id.ExtraExtensions = append(id.ExtraExtensions[:len(id.ExtraExtensions):len(id.ExtraExtensions)], *san)
	return id, nil
}
