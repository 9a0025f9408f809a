package policy

import (
	"errors"
	"reflect"
	"slices"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	celenv "cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"

	"github.com/releaseassay/assay/sbom"
)

// Bounds on the text of an expression: its characters, how deep it nests, how many
// nodes it has once macros are expanded, and how many lists it goes through inside each
// other.
const (
	maxExpression      = 2048
	maxExpressionDepth = 48
	maxExpressionNodes = 4000
	maxComprehensions  = 3
)

// The environments are made when the first rule is compiled, so that a policy without
// rules does not pay for them. statementEnv is for any statement, documentEnv for
// bills of materials.
var (
	statementEnv = sync.OnceValues(newStatementEnv)
	documentEnv  = sync.OnceValues(newDocumentEnv)
)

func newStatementEnv() (*cel.Env, error) {
	return cel.NewCustomEnv(
		cel.StdLib(cel.StdLibSubset(withoutZones())),
		ext.Strings(ext.StringsVersion(5)),
		withoutGrowth,
		records(imageType, sourceType, signerType),
		cel.Variable("image", imageType.Type),
		cel.Variable("source", sourceType.Type),
		cel.Variable("signer", signerType.Type),
		cel.Variable("version", cel.StringType),
		cel.Variable("signed", cel.TimestampType),
		cel.Variable("now", cel.TimestampType),
		cel.Variable("predicate", cel.DynType),
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.ParserExpressionSizeLimit(maxExpression),
		cel.ParserRecursionLimit(maxExpressionDepth),
		cel.ExpressionNodeLimit(maxExpressionNodes),
		cel.ASTValidators(checks{}, cel.ValidateTimestampLiterals(), cel.ValidateDurationLiterals(), cel.ValidateComprehensionNestingLimit(maxComprehensions)),
	)
}

func newDocumentEnv() (*cel.Env, error) {
	env, err := statementEnv()
	if err != nil {
		return nil, err
	}
	components := cel.ListType(cel.ObjectType("sbom.Component"))
	return env.Extend(
		ext.NativeTypes(reflect.TypeFor[sbom.Document](), ext.ParseStructTag("json")),
		timestamped,
		cel.Variable("document", cel.ObjectType(documentType)),
		cel.Variable("components", components),
		cel.Variable("described", components),
		cel.Variable("dependencies", cel.ListType(cel.ObjectType("sbom.Dependency"))),
		cel.Variable("tools", cel.ListType(cel.ObjectType("sbom.Tool"))),
	)
}

// withoutZones is the standard library but for calendars of time zones, which are read
// from the machine.
func withoutZones() *celenv.LibrarySubset {
	subset := celenv.NewLibrarySubset()
	for name, overload := range map[string]string{
		overloads.TimeGetFullYear:     overloads.TimestampToYearWithTz,
		overloads.TimeGetMonth:        overloads.TimestampToMonthWithTz,
		overloads.TimeGetDayOfYear:    overloads.TimestampToDayOfYearWithTz,
		overloads.TimeGetDate:         overloads.TimestampToDayOfMonthOneBasedWithTz,
		overloads.TimeGetDayOfMonth:   overloads.TimestampToDayOfMonthZeroBasedWithTz,
		overloads.TimeGetDayOfWeek:    overloads.TimestampToDayOfWeekWithTz,
		overloads.TimeGetHours:        overloads.TimestampToHoursWithTz,
		overloads.TimeGetMinutes:      overloads.TimestampToMinutesWithTz,
		overloads.TimeGetSeconds:      overloads.TimestampToSecondsWithTz,
		overloads.TimeGetMilliseconds: overloads.TimestampToMillisecondsWithTz,
	} {
		subset.AddExcludedFunctions(celenv.NewFunction(name, celenv.NewOverload(overload, nil, nil)))
	}
	return subset
}

// withoutGrowth takes away functions whose result can be much larger than what they are
// given, before anybody has counted it.
func withoutGrowth(env *cel.Env) (*cel.Env, error) {
	text := cel.StringType
	return env.Extend(
		cel.Function("replace", cel.DisableDeclaration(true), cel.MemberOverload("string_replace_string_string", []*cel.Type{text, text, text}, text)),
		cel.Function("format", cel.DisableDeclaration(true), cel.MemberOverload("string_format", []*cel.Type{text, cel.ListType(cel.DynType)}, text)),
		cel.Function("strings.quote", cel.DisableDeclaration(true), cel.Overload("strings_quote", []*cel.Type{text}, text)),
	)
}

// records makes the fields of records known.
func records(known ...recordType) cel.EnvOption {
	return func(env *cel.Env) (*cel.Env, error) {
		return cel.CustomTypeProvider(recordProvider{env.CELTypeProvider(), known})(env)
	}
}

// recordProvider adds types of records to those of a provider.
type recordProvider struct {
	types.Provider
	known []recordType
}

func (p recordProvider) find(name string) (recordType, bool) {
	i := slices.IndexFunc(p.known, func(t recordType) bool { return t.TypeName() == name })
	if i < 0 {
		return recordType{}, false
	}
	return p.known[i], true
}

// FindStructType implements [types.Provider].
func (p recordProvider) FindStructType(name string) (*types.Type, bool) {
	if t, ok := p.find(name); ok {
		return types.NewTypeTypeWithParam(t.Type), true
	}
	return p.Provider.FindStructType(name)
}

// FindStructFieldNames implements [types.Provider].
func (p recordProvider) FindStructFieldNames(name string) ([]string, bool) {
	if t, ok := p.find(name); ok {
		return t.fields, true
	}
	return p.Provider.FindStructFieldNames(name)
}

// FindStructFieldType implements [types.Provider].
func (p recordProvider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	if t, ok := p.find(name); ok {
		return &types.FieldType{Type: types.StringType}, slices.Contains(t.fields, field)
	}
	return p.Provider.FindStructFieldType(name, field)
}

// NewValue implements [types.Provider].
func (p recordProvider) NewValue(name string, fields map[string]ref.Val) ref.Val {
	return p.Provider.NewValue(name, fields)
}

const documentType = "sbom.Document"

// timestamped makes an error of a document's time where it has none: it would be read
// as 1970 else.
func timestamped(env *cel.Env) (*cel.Env, error) {
	return cel.CustomTypeProvider(timeProvider{env.CELTypeProvider()})(env)
}

type timeProvider struct{ types.Provider }

// FindStructFieldType implements [types.Provider].
func (p timeProvider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	t, ok := p.Provider.FindStructFieldType(name, field)
	if !ok || name != documentType || field != "time" {
		return t, ok
	}
	known := *t
	known.GetFrom = func(v any) (any, error) {
		at, err := t.GetFrom(v)
		if at, isTime := at.(time.Time); err == nil && (!isTime || !t.IsSet(v)) {
			return at, errors.New("no such key: time")
		}
		return at, err
	}
	return &known, true
}
