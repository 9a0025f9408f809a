package verify

// Codes of the server, for what is refused or left undecided around a judgement.
const (
	// ServerLate is an answer that was due before the judgement was made.
	ServerLate Code = "server.late"
	// ServerBusy is a question beyond what the server takes at once.
	ServerBusy Code = "server.busy"
	// ReferenceNotPinned is an image that a pod would run by its tag, which can move
	// between this answer and the pull.
	ReferenceNotPinned Code = "reference.not_pinned"
	// ReferenceMalformed is an image reference that cannot be read.
	ReferenceMalformed Code = "reference.malformed"
	// ReferenceNodeDecides is a tag under imagePullPolicy Never: whatever the node holds
	// by that name is run, and no verdict is about it.
	ReferenceNodeDecides Code = "reference.node_decides"
	// RequestMalformed is a request that cannot be read.
	RequestMalformed Code = "request.malformed"
	// PullSecretsUnreadable is a pod's pull secrets that could not be read.
	PullSecretsUnreadable Code = "secrets.unreadable"
)

// serverReasons explain codes.
func serverReasons() []Reason {
	return []Reason{
		{ServerLate, "The answer was due before the judgement was made; the work goes on, and the next answer may be there at once.", "ask again"},
		{ServerBusy, "The server has as many questions as it takes, or this client has asked more than it may.", "ask again later, or give the server more replicas"},
		{ReferenceNotPinned, "The image is named by a tag alone, which can point elsewhere by the time of the pull.", "name the digest as well, or let the mutating webhook write it"},
		{ReferenceMalformed, "The image reference cannot be read.", "write NAME:TAG, NAME@sha256:HEX or NAME:TAG@sha256:HEX"},
		{ReferenceNodeDecides, "imagePullPolicy is Never and the image has no digest: the node runs whatever it holds under that name.", "name the digest, or let the kubelet pull"},
		{RequestMalformed, "The request cannot be read.", "see docs/doors.md for what the door takes"},
		{PullSecretsUnreadable, "The pod's pull secrets could not be read, so that its private images cannot be judged.", "grant the server get on the secrets of this namespace, or ask again"},
	}
}
