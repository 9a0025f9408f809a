package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// activation gives an expression its variables; it implements [cel.Activation].
type activation struct {
	values    map[string]any
	predicate func() (any, error)
}

// activation leaves out what is not known.
func (v Variables) activation() *activation {
	a := &activation{
		values: map[string]any{
			"image":  newRecord(imageType, v.Name, v.Digest, v.Tag),
			"source": newRecord(sourceType, v.Source.Repository, v.Source.RepositoryID, v.Source.OwnerID, v.Source.Ref, v.Source.Commit),
			"signer": newRecord(signerType, v.Signer.Issuer, v.Signer.Identity, v.Signer.Trigger, v.Signer.Runner, v.Signer.Visibility, v.Signer.Workflow, v.Signer.Run),
		},
		predicate: sync.OnceValues(func() (any, error) { return decodePredicate(v.Predicate) }),
	}
	if v.Version != "" {
		a.values["version"] = v.Version
	}
	for name, t := range map[string]time.Time{"signed": v.Signed, "now": v.Now} {
		if !t.IsZero() {
			a.values[name] = t.UTC()
		}
	}
	if d := v.Document; d != nil {
		a.values["document"] = d
		a.values["components"], a.values["described"] = d.Components, d.Described
		a.values["dependencies"], a.values["tools"] = d.Dependencies, d.Tools
	}
	return a
}

// ResolveName implements [cel.Activation].
func (a *activation) ResolveName(name string) (any, bool) {
	if name == "predicate" {
		p, err := a.predicate()
		return p, err == nil
	}
	v, ok := a.values[name]
	return v, ok
}

// Parent implements [cel.Activation].
func (a *activation) Parent() cel.Activation { return nil }

// decodePredicate reads one JSON value. Whole numbers are exact if 64 bits hold them,
// with a sign or without; all others are doubles.
func decodePredicate(b []byte) (any, error) {
	if len(bytes.TrimSpace(b)) == 0 {
		return nil, errors.New("it is empty")
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something stands behind its end")
	}
	return numbers(v)
}

// numbers replaces each number of a decoded value in place.
func numbers(v any) (any, error) {
	var err error
	switch x := v.(type) {
	case json.Number:
		return number(string(x))
	case []any:
		for i := range x {
			if x[i], err = numbers(x[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for k := range x {
			if x[k], err = numbers(x[k]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

func number(s string) (any, error) {
	if !strings.ContainsAny(s, ".eE") {
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return i, nil
		}
		if u, err := strconv.ParseUint(s, 10, 64); err == nil {
			return u, nil
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil, fmt.Errorf("the number %.40s is out of range", s)
	}
	return f, nil
}

// recordType is a type of variables with a few fields of text.
type recordType struct {
	*types.Type
	fields []string
}

var (
	imageType  = newRecordType("image", "name", "digest", "tag")
	sourceType = newRecordType("source", "repository", "repository_id", "owner_id", "ref", "commit")
	signerType = newRecordType("signer", "issuer", "identity", "trigger", "runner", "visibility", "workflow", "run")
)

func newRecordType(name string, fields ...string) recordType {
	return recordType{types.NewObjectType("policy."+name, traits.IndexerType|traits.FieldTesterType), fields}
}

// record is a value of such a type. A field that is empty is not there.
type record struct {
	recordType
	texts map[string]string
}

func newRecord(t recordType, texts ...string) *record {
	r := &record{t, map[string]string{}}
	for i, name := range t.fields {
		if texts[i] != "" {
			r.texts[name] = texts[i]
		}
	}
	return r
}

// Get implements [traits.Indexer].
func (r *record) Get(field ref.Val) ref.Val {
	name, _ := field.(types.String)
	if text, ok := r.texts[string(name)]; ok {
		return types.String(text)
	}
	return types.NewErr("no such key: %s", string(name))
}

// IsSet implements [traits.FieldTester].
func (r *record) IsSet(field ref.Val) ref.Val {
	name, _ := field.(types.String)
	return types.Bool(r.texts[string(name)] != "")
}

// Equal implements [ref.Val]. Nothing is equal to a record, since what both lack would
// count as the same.
func (r *record) Equal(ref.Val) ref.Val { return types.False }

// ConvertToNative implements [ref.Val].
func (r *record) ConvertToNative(reflect.Type) (any, error) {
	return nil, errors.New("a record has no other form")
}

// ConvertToType implements [ref.Val].
func (r *record) ConvertToType(t ref.Type) ref.Val {
	if t == types.TypeType {
		return r.recordType.Type
	}
	return types.NewErr("type conversion error from '%s' to '%s'", r.TypeName(), t.TypeName())
}

// Type implements [ref.Val].
func (r *record) Type() ref.Type { return r.recordType.Type }

// Value implements [ref.Val].
func (r *record) Value() any { return r.texts }

// AggregateSize implements [types.AggregateSizeVisitor].
func (r *record) AggregateSize(types.AggregateSizer) uint32 { return uint32(len(r.fields)) }
