// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

// Package gate judges the evidence of one wave: may the next wave open, must
// this one stop, or is it too early to say.
//
// Two different questions are asked of two different groups of devices
// (gate D3). Halting protects people, so it looks at every device that has
// checked in since it was exposed and may answer at any moment. Promoting
// makes a claim about devices that are not exposed yet, so it looks only at
// matured devices, demands that enough of them reported, and answers only at
// sample sizes that were fixed before the first report.
//
//	bound.go      exact (Clopper-Pearson) lower bound on the success rate
//	eprocess.go   halt evidence that stays valid however often it is read
//	plan.go       before the first report: at how many reports the proof is tried, and what each try allows
//	chance.go     the exact chance that a plan lets a payload pass
//	posterior.go  wave against control, Jeffreys Beta-Binomial; no verdict rests on it yet
//	fisher.go     wave against control, exact one-sided test; no verdict rests on it yet
//	spec.go       what a wave is judged by, and the counts it is judged on
//	evaluate.go   the numbers and the result: one verdict, one reason
//	checks.go     in which order what is asked: lists of checks, the first decides
//	message.go    the sentence of each check
//
// Everything here is a function of its arguments. The caller supplies counts
// for one metric, one payload and one attempt, and the [Plan] that was made at
// its start; a verdict can be recomputed from these two alone (P10).
package gate
