// Run channel programs many times over in Go, and count the outcomes: the other half of ours.py.
//
// It reads a request from its input, as JSON, and writes for every program an object from outcomes to counts.
// A goroutine runs nothing but the operations, with a few rounds through the scheduler between them.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
)

type op struct {
	Do      string
	Chan    *int
	Value   int
	Cases   []op
	Default bool
}

type program struct {
	Capacities []int
	Tasks      [][]op
}

type request struct {
	Runs     int
	Seed     int64
	Programs []program
}

// A run is one execution of a program.
type run struct {
	chans      []chan int
	goroutines []*goroutine
	ended      atomic.Int32
	over       chan struct{} // closed when the outcome is known, to get rid of who is blocked in a select
}

type goroutine struct {
	*run
	ops   []op
	dice  *rand.Rand
	pace  int          // how many rounds it may be late, less one
	log   []string     // has room for all that can be said
	lines atomic.Int32 // how much of it others may read
}

func main() {
	var asked request
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		panic(err)
	}
	counts := []map[string]int{}
	for _, p := range asked.Programs {
		counts = append(counts, count(p, asked.Runs, rand.New(rand.NewSource(asked.Seed))))
	}
	if err := json.NewEncoder(os.Stdout).Encode(counts); err != nil {
		panic(err)
	}
}

// Half of the runs are on one processor, where the rounds between operations make every order likely, and half on
// several, where operations also happen at the same time.
func count(p program, runs int, dice *rand.Rand) map[string]int {
	seen := map[string]int{}
	for _, processors := range []int{1, 4} {
		runtime.GOMAXPROCS(processors)
		for i := 0; i < runs/2; i++ {
			seen[once(p, dice)]++
		}
	}
	return seen
}

func once(p program, dice *rand.Rand) string {
	r := start(p, dice)
	for tries := 1; r.running() && (tries%20 != 0 || !othersBlocked()); tries++ {
		runtime.Gosched()
	}
	outcome := r.outcome()
	r.tearDown()
	return outcome
}

func start(p program, dice *rand.Rand) *run {
	r := &run{over: make(chan struct{})}
	for _, capacity := range p.Capacities {
		r.chans = append(r.chans, make(chan int, capacity))
	}
	paces := []int{1, 2, 4, 8, 32}
	for _, ops := range p.Tasks {
		own := rand.New(&source{uint64(dice.Int63())})
		pace := paces[dice.Intn(len(paces))]
		r.goroutines = append(r.goroutines, &goroutine{run: r, ops: ops, dice: own, pace: pace, log: make([]string, 64)})
	}
	for _, i := range dice.Perm(len(r.goroutines)) {
		go r.goroutines[i].main()
	}
	return r
}

// A source is splitmix64: unlike the usual one it costs nothing to make.
type source struct{ state uint64 }

func (s *source) Seed(int64) {}

func (s *source) Int63() int64 {
	s.state += 0x9e3779b97f4a7c15
	z := s.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int64((z ^ z>>31) >> 1)
}

func (r *run) running() bool {
	return int(r.ended.Load()) < len(r.goroutines)
}

var stacks = make([]byte, 1<<16)

// othersBlocked tells whether every other goroutine waits for a channel. The world stands still while Go writes down
// where its goroutines are, so this is true of one moment; and as nobody else has the channels, whoever is blocked
// then is blocked for good. One that is slow, woken up or about to end is "running" or "runnable" there.
func othersBlocked() bool {
	n := runtime.Stack(stacks, true)
	if n == len(stacks) {
		panic("the stacks were cut short, and somebody may be missing")
	}
	for _, stack := range bytes.Split(stacks[:n], []byte("\n\n"))[1:] { // the first is our own
		_, state, _ := strings.Cut(strings.SplitN(string(stack), "\n", 2)[0], "[")
		if !strings.HasPrefix(state, "chan send") && !strings.HasPrefix(state, "chan receive") &&
			!strings.HasPrefix(state, "select") {
			return false
		}
	}
	return true
}

func (r *run) outcome() string {
	words := []string{}
	for _, g := range r.goroutines {
		said := g.log[:g.lines.Load():g.lines.Load()]
		if len(said) == 0 || said[len(said)-1] != "ended" {
			said = append(said, "blocked")
		}
		words = append(words, strings.Join(said, ", "))
	}
	return strings.Join(words, " | ")
}

// tearDown lets everybody go who is blocked, so that no goroutine is left for the next run.
func (r *run) tearDown() {
	close(r.over)
	for _, c := range r.chans {
		func() {
			defer func() { recover() }() // it may be closed already
			close(c)
		}()
	}
	for r.running() {
		runtime.Gosched()
	}
}

// -- the goroutines

func (g *goroutine) main() {
	defer g.ended.Add(1)
	defer func() {
		if err := recover(); err != nil {
			g.say("panic: " + fmt.Sprint(err))
		}
		g.say("ended")
	}()
	for _, o := range g.ops {
		g.pause()
		g.perform(o)
	}
}

func (g *goroutine) pause() {
	for n := g.dice.Intn(g.pace); n > 0; n-- {
		runtime.Gosched()
	}
}

func (g *goroutine) say(words string) {
	n := g.lines.Load()
	g.log[n] = words
	g.lines.Store(n + 1)
}

func (g *goroutine) perform(o op) {
	var c chan int
	if o.Chan != nil {
		c = g.chans[*o.Chan]
	}
	switch o.Do {
	case "send":
		c <- o.Value
		g.say("sent")
	case "recv":
		v := <-c
		g.say(got(v, v != 0))
	case "recv_ok":
		v, ok := <-c
		g.say(got(v, ok))
	case "try_send":
		select {
		case c <- o.Value:
			g.say("sent")
		default:
			g.say("default")
		}
	case "try_recv":
		select {
		case v := <-c:
			g.say(got(v, v != 0))
		default:
			g.say("default")
		}
	case "close":
		close(c)
		g.say("closed")
	case "range":
		for v := range c {
			g.say(got(v, true))
			g.pause()
		}
		g.say("end")
	case "select":
		g.choose(o)
	default:
		os.Exit(2) // a panic would be one of the program
	}
}

func got(v int, ok bool) string {
	if !ok {
		return "end"
	}
	return fmt.Sprint("got ", v)
}

// choose is a select of up to three cases: those that are not there are on nil channels.
func (g *goroutine) choose(o op) {
	var in, out [3]chan int
	var values [3]int
	for i, c := range o.Cases {
		if c.Chan != nil && c.Do == "send" {
			out[i], values[i] = g.chans[*c.Chan], c.Value
		} else if c.Chan != nil {
			in[i] = g.chans[*c.Chan]
		}
	}
	if o.Default {
		g.chooseNow(in, out, values)
		return
	}
	select {
	case out[0] <- values[0]:
		g.say("case 0: sent")
	case out[1] <- values[1]:
		g.say("case 1: sent")
	case out[2] <- values[2]:
		g.say("case 2: sent")
	case v, ok := <-in[0]:
		g.say("case 0: " + got(v, ok))
	case v, ok := <-in[1]:
		g.say("case 1: " + got(v, ok))
	case v, ok := <-in[2]:
		g.say("case 2: " + got(v, ok))
	case <-g.over: // so that one on nil channels can be got rid of
	}
}

func (g *goroutine) chooseNow(in, out [3]chan int, values [3]int) {
	select {
	case out[0] <- values[0]:
		g.say("case 0: sent")
	case out[1] <- values[1]:
		g.say("case 1: sent")
	case out[2] <- values[2]:
		g.say("case 2: sent")
	case v, ok := <-in[0]:
		g.say("case 0: " + got(v, ok))
	case v, ok := <-in[1]:
		g.say("case 1: " + got(v, ok))
	case v, ok := <-in[2]:
		g.say("case 2: " + got(v, ok))
	default:
		g.say("default")
	}
}
