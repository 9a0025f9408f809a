package policy

import _ "cel.dev/cel-go/cel" // until expressions are compiled
