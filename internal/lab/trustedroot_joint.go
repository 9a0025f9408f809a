package lab

import (
	"bytes"
	"encoding/json"
	"fmt"

	prototrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// JointRoot returns one trusted_root.json for several instances, as real ones list retired authorities and logs beside
// those in use.
func JointRoot(instances ...*Sigstore) ([]byte, error) {
	joint := &prototrustroot.TrustedRoot{}
	for _, s := range instances {
		raw, err := s.TrustedRoot()
		if err != nil {
			return nil, err
		}
		var one prototrustroot.TrustedRoot
		if err := protojson.Unmarshal(raw, &one); err != nil {
			return nil, fmt.Errorf("read trusted root back: %w", err)
		}
		proto.Merge(joint, &one)
	}
	raw, err := protojson.Marshal(joint)
	if err != nil {
		return nil, fmt.Errorf("encode trusted root: %w", err)
	}
	var out bytes.Buffer // stable white space, as in TrustedRoot
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return nil, fmt.Errorf("indent trusted root: %w", err)
	}
	return append(out.Bytes(), '\n'), nil
}
