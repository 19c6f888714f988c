// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package histories tells random histories of whole rollouts and judges each from its first step to its end: what people write
// in the cluster, what others change in the tenant, what the service and the devices do, where the operator dies and who leads
// next. Every history is told in a world of internal/testkit/fastworld, whose oracle looks at what devices feel at each moment
// at which that can change (P1, P2, P3, P9, P13), and ends in contentment: faults end, what only a person can mend is mended.
// From there the world must come to what is claimed within bounded time (ESR): a payload that is good for ever completes, one
// that is bad for ever ends on stable or hold and stays there, and silence promotes nothing. Then status is compared with what
// devices have (P14), nothing more is written (P12), and a deletion leaves nothing of ours behind (P7).
//
// A seed decides everything. To replay one, with its whole story:
//
//	go test ./test/histories -run TestHistories -v -seed 4711
//
// A seed that fails is shrunk before it is told: actors are left out, and rounds from the end, as long as the same promise is
// still broken. What remains can be told again with the same words:
//
//	go test ./test/histories -run TestHistories -v -seed 4711 -actors payload,crash -rounds 9
//
// The suite tells 60 seeds; HISTORIES=1000, or make histories, asks for more. HISTORIES_FROM is the first seed. With
// -shrink=false each kind of violation is told as it was found, at once. What the actors do, what is judged and what was found
// is in docs/histories.md.
package histories
