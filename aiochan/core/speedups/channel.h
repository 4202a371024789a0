/* A channel: one ring of values, and three lines of sleeping tasks. The algorithm of hchan.py, where the rules and the
 * invariants C1 .. C6 stand; `_check` in looking.h asserts the same ones here.
 *
 * Each step first makes sure of whatever can fail (memory for the ring, the loop's callback), then changes all that has
 * to change, and runs Python code last of all, if any. Where Python code may have run before, it looks again. */

/* -- the ring */

static inline uint32_t mask(Chan *c) { return ((uint32_t)1 << c->log2size) - 1; }

static inline PyObject **at(Chan *c, uint32_t i) { return &c->ring[(c->head + i) & mask(c)]; }

static int ring_resize(Chan *c, uint8_t log2size) {
    PyObject **ring = &c->slot;
    if (log2size > 31 || (log2size && !(ring = PyMem_New(PyObject *, (size_t)1 << log2size)))) {
        PyErr_NoMemory();
        return -1;
    }
    for (uint32_t i = 0; i < c->held; i++) ring[i] = *at(c, i);
    if (c->ring != &c->slot) PyMem_Free(c->ring);
    c->ring = ring;
    c->head = 0;
    c->log2size = log2size;
    return 0;
}

static inline int ring_reserve(Chan *c) {
    if (c->held <= mask(c)) return 0;
    return ring_resize(c, c->log2size ? c->log2size + 1 : 3);
}

static inline void ring_push(Chan *c, PyObject *value /* stolen */) {
    c->held++;
    *at(c, c->held - 1) = value;
}

static inline PyObject *ring_pop(Chan *c) {
    PyObject *value = *at(c, 0);
    c->head = (c->head + 1) & mask(c);
    c->held--;
    if (c->held == 0 && c->log2size > 10) ring_resize(c, 0); /* a crowd has gone: back to the slot, which cannot fail */
    return value;
}

/* Take one out of the middle, by moving the shorter side. */
static PyObject *ring_remove(Chan *c, uint32_t i) {
    PyObject *value = *at(c, i);
    if (i < c->held / 2) {
        for (; i > 0; i--) *at(c, i) = *at(c, i - 1);
        c->head = (c->head + 1) & mask(c);
    } else
        for (; i + 1 < c->held; i++) *at(c, i) = *at(c, i + 1);
    c->held--;
    return value;
}

/* Values are numbered in their order, so that an admitted sender finds its own again. */
static uint64_t number_of_first(Chan *c) { return c->received + c->rare->shifted; }

/* The value of `node`, the i-th in the ring, is about to go. Those on one side of it get new numbers: the fewer. */
static void renumber(Chan *c, Node *node, uint64_t i) {
    Node *last = c->rare->transit, *other = node;
    if (i >= c->held / 2) {
        while (other != last) (other = other->next)->number--;
        return;
    }
    uint64_t first = number_of_first(c);
    while (other != last->next && other->prev->number >= first) (other = other->prev)->number++;
    c->rare->shifted++;
}

static Rare *rare(Chan *c) {
    if (c->rare == NULL && (c->rare = PyMem_Calloc(1, sizeof(Rare))) == NULL) PyErr_NoMemory();
    return c->rare;
}

/* Number an arrival, since two lines wait for room. Until the first reservation has to wait there is only one. */
static uint64_t next_ticket(Chan *c) { return c->rare && c->rare->numbered ? ++c->rare->arrivals : 0; }

/* -- granting */

/* Promise the oldest value to the first in recvq. */
static inline void grant_receiver(Chan *c) {
    c->granted++;
    commit(first_in(c->recvq), GRANTED);
}

/* The value of the first in sendq moves up; the ring has a place for it, and `rare` is there. */
static void admit_sender(Chan *c) {
    Node *node = first_in(c->sendq);
    ring_push(c, node->item);
    node->item = NULL;
    Op *op = decide(node, ADMITTED);
    node->number = number_of_first(c) + c->held - 1;
    append(&c->rare->transit, node); /* before its task is told: it may be cancelled at once */
    if (op->wakeup) wake(op);
    Py_DECREF(op);
}

/* `limit` tells of a closed channel by its complement, so it counts the other way round there. */
static void reserve_place(Chan *c) {
    c->rare->reserved++;
    if (c->limit != INFINITE && c->limit != ~INFINITE) c->limit -= is_closed(c) ? -1 : 1;
}

static void release_place(Chan *c) {
    c->rare->reserved--;
    if (c->limit != INFINITE && c->limit != ~INFINITE) c->limit += is_closed(c) ? -1 : 1;
}

static Py_ssize_t capacity_of(Chan *c) {
    Py_ssize_t limit = is_closed(c) ? ~c->limit : c->limit;
    return limit == INFINITE || !c->rare ? limit : limit + c->rare->reserved;
}

static void grant_place(Chan *c) {
    reserve_place(c);
    commit(first_in(c->rare->slotq), GRANTED);
}

static int sender_is_first(Chan *c) {
    Node *sender = first_in(c->sendq), *slot = first_in(slotq(c));
    return sender && (!slot || sender->ticket < slot->ticket);
}

/* Give new room to who has waited longest for it, sender or reservation. */
static void admit(Chan *c) {
    while (has_room(c) && (c->sendq || slotq(c))) {
        int sender = sender_is_first(c);
        if (prepare_surely(sender ? c->sendq : c->rare->slotq)) continue;
        if (!sender) grant_place(c);
        else if (rare(c) && ring_reserve(c) == 0) admit_sender(c);
        else { /* where this can happen is somebody who has made sure of it, but for what Python code did since */
            PyErr_WriteUnraisable((PyObject *)c);
            return;
        }
    }
}

static void tell(Node **line) {
    while (*line)
        if (!prepare_surely(*line)) commit(first_in(*line), CLOSED);
}

static void tell_closed(Chan *c) {
    if (c->held == 0) tell(&c->recvq);
    tell(&c->sendq);
    if (c->rare) tell(&c->rare->slotq);
}

/* Serve whoever can be served, after Python code has run between a look and a place in line. */
static void settle(Chan *c) {
    while (surplus(c) > 0 && c->recvq)
        if (!prepare_surely(c->recvq)) grant_receiver(c);
    admit(c);
    if (is_closed(c)) tell_closed(c);
}

/* -- send */

static PyObject *drop_oldest(Chan *c) { /* of those that nobody was promised */
    c->rare->dropped++;
    return ring_remove(c, c->granted);
}

/* Send now if that can be done now: the synchronous half of every send. SUCCEEDED has taken *value and left NULL. */
static int put(Chan *c, PyObject **value) {
    PyObject *dropped = NULL;
    if (check_thread((PyObject *)c, c->queue) < 0) return FAILED;
    for (;;) {
        if (is_closed(c)) return ENDED;
        if (c->recvq == NULL) break;
        int prepared = prepare_first(c->recvq);
        if (prepared < 0 || ring_reserve(c) < 0) return FAILED;
        if (prepared) continue;
        ring_push(c, *value);
        *value = NULL;
        grant_receiver(c);
        return SUCCEEDED;
    }
    int room = has_room(c);
    if (!room && c->overflow == OVERFLOW_WAIT) return MUST_WAIT;
    if (!room && c->overflow == OVERFLOW_DROP_NEWEST) {
        c->rare->dropped++;
        dropped = *value;
    } else {
        if (ring_reserve(c) < 0) return FAILED;
        ring_push(c, *value);
        if (!room) dropped = drop_oldest(c);
    }
    *value = NULL;
    Py_XDECREF(dropped);
    return SUCCEEDED;
}

/* Undo a send from the line that was admitted and then cancelled, if no receiver counts on it. */
static void take_back(Node *node) {
    Chan *c = chan_of(node);
    uint64_t i = node->number - number_of_first(c); /* far away, in unsigned arithmetic, if a receiver has it */
    if (i < c->held && surplus(c) > 0) {            /* else one of the promises would be broken */
        if (c->received + i < c->rare->cleared) c->rare->cleared--;
        renumber(c, node, i);
        node->item = ring_remove(c, (uint32_t)i); /* dies with the operation, when all is in order */
    }
    take_out(&c->rare->transit, node);
    admit(c);
}

/* -- receive */

/* Receive now if that can be done now: the synchronous half of every receive. */
static int take(Chan *c, PyObject **value) {
    if (check_thread((PyObject *)c, c->queue) < 0) return FAILED;
    for (;;) {
        if (surplus(c) > 0) {
            int somebody = (c->sendq || slotq(c)) && surplus(c) - 1 < c->limit;
            if (somebody) { /* what `admit` needs, before anything has happened */
                int prepared = prepare_first(sender_is_first(c) ? c->sendq : c->rare->slotq);
                if (prepared < 0 || rare(c) == NULL) return FAILED;
                if (prepared) continue;
            }
            *value = ring_pop(c);
            c->received++;
            if (somebody) admit(c);
            return SUCCEEDED;
        }
        if (c->sendq == NULL) return is_closed(c) && c->held == 0 ? ENDED : MUST_WAIT;
        int prepared = prepare_first(c->sendq);
        if (prepared < 0) return FAILED;
        if (!prepared) break;
    }
    Node *sender = first_in(c->sendq);
    if (c->held == 0) {
        *value = sender->item;
        sender->item = NULL;
        c->received++;
        commit(sender, TAKEN);
        return SUCCEEDED;
    }
    /* All of it is promised: whoever runs takes the oldest, and the new one goes behind, where that has made room. */
    if (rare(c) == NULL) return FAILED;
    *value = ring_pop(c);
    c->received++;
    admit_sender(c);
    return SUCCEEDED;
}

/* Turn a permit into the oldest value. Surplus stays what it was, so nobody can be let in for it. */
static PyObject *redeem(Chan *c) {
    if (c->held == 0) {
        PyErr_SetString(PyExc_RuntimeError, "this channel was garbage");
        return NULL;
    }
    PyObject *value = ring_pop(c);
    c->granted--;
    c->received++;
    if (is_closed(c) && c->held == 0) tell(&c->recvq);
    return value;
}

/* A value leaves at the head without being received. */
static PyObject *throw_away(Chan *c) {
    c->rare->shifted++;
    c->rare->dropped++;
    return ring_pop(c);
}

/* Hand on the permit of a receiver that was cancelled before it ran. */
static void pass_on(Chan *c) {
    if (c->rare && c->received < c->rare->cleared && c->held) {
        PyObject *value = throw_away(c);
        c->granted--;
        c->rare->cleared--;
        if (is_closed(c) && c->held == 0) tell(&c->recvq);
        Py_DECREF(value);
        return;
    }
    while (c->recvq) {
        if (prepare_surely(c->recvq)) continue;
        commit(first_in(c->recvq), GRANTED);
        return;
    }
    c->granted--; /* the value stays where it is, for whoever comes */
    if (c->overflow == OVERFLOW_DROP_OLDEST && surplus(c) > capacity_of(c)) {
        PyObject *dropped = drop_oldest(c);
        Py_DECREF(dropped);
    }
}

/* -- clear */

/* Empty the channel but for what is promised. How many values that were, or -1. */
static Py_ssize_t clear(Chan *c) {
    if (check_thread((PyObject *)c, c->queue) < 0) return -1;
    Py_ssize_t n = surplus(c);
    if (n == 0 && c->granted == 0) return 0;
    PyObject **thrown_away = PyMem_New(PyObject *, n); /* they die when all is in order */
    if (thrown_away == NULL) PyErr_NoMemory();
    if (thrown_away == NULL || rare(c) == NULL) {
        PyMem_Free(thrown_away);
        return -1;
    }
    for (Py_ssize_t i = 0; i < n; i++) thrown_away[i] = throw_away(c);
    c->rare->cleared = c->received + c->granted;
    admit(c);
    for (Py_ssize_t i = 0; i < n; i++) Py_DECREF(thrown_away[i]);
    PyMem_Free(thrown_away);
    return n;
}

/* -- reserve */

static void return_place(Chan *c) {
    release_place(c);
    admit(c);
}

/* Put a value into a reserved place, whatever else is there by now. */
static int use_place(Chan *c, PyObject *value) {
    for (;;) {
        if (is_closed(c)) return ENDED;
        int prepared = c->recvq ? prepare_first(c->recvq) : 0;
        if (prepared < 0 || rare(c) == NULL || ring_reserve(c) < 0) return FAILED;
        if (!prepared) break;
    }
    ring_push(c, Py_NewRef(value));
    release_place(c);
    if (c->recvq) grant_receiver(c);
    admit(c); /* a value that went to a receiver left its place free */
    return SUCCEEDED;
}

/* -- close */

static int close_channel(Chan *c, PyObject *cause /* or NULL */) {
    Node *line = c->recvq && !c->held ? c->recvq : c->sendq ? c->sendq : slotq(c);
    if ((line && prepare_first(line) < 0) || (cause && rare(c) == NULL)) return FAILED;
    if (is_closed(c)) return ENDED;
    c->limit = ~c->limit;
    if (cause) Py_XSETREF(c->rare->cause, Py_NewRef(cause));
    tell_closed(c);
    if (c->st->observer) observe(c->st, c->st->s_closed, (PyObject *)c);
    return SUCCEEDED;
}
