package controllers
import ("testing";"fmt")
func dbg(t testing.TB, l *lab) { w := l.wave("a"); fmt.Printf("%+v\n%+v\nevents %v errs %v\n", w.Status.Decision, w.Status.Conditions, l.events[max(0,len(l.events)-5):], l.errs) }
