/* A channel as people and tools look at it: its repr, its snapshot, and whether its invariants hold. */

static PyObject *chan_repr(Chan *c) {
    PyObject *name = name_or_address(c->rare ? c->rare->name : NULL, (PyObject *)c);
    PyObject *capacity = name ? end_capacity((PyObject *)c, NULL) : NULL, *repr = NULL;
    if (capacity)
        repr = PyUnicode_FromFormat("<Chan %U %zd/%S%s%S %s, %zd senders %u receivers parked>",
                                    name,
                                    surplus(c),
                                    capacity,
                                    c->overflow ? " " : "",
                                    c->overflow ? c->st->overflows[c->overflow] : c->st->empty,
                                    is_closed(c) ? "closed" : "open",
                                    (Py_ssize_t)c->senders + (c->rare ? c->rare->slots : 0),
                                    c->receivers);
    Py_XDECREF(name);
    Py_XDECREF(capacity);
    return repr;
}

static Py_ssize_t length_of(Node *last) {
    Py_ssize_t n = 0;
    Node *node = last;
    if (last) do {
            n += node->linked && node->next->prev == node && op_of(node)->state == PARKED;
            node = node->next;
        } while (node != last);
    return n;
}

/* Describing it makes objects, and so may run Python code, in which everything changes. So it is first seen as a whole:
 * a list of what is there, with references of its own. */
typedef struct {
    Op *op; /* who sleeps, or whose value it is; may be NULL there */
    PyObject *item;
    uint64_t ticket;
    uint32_t index;
    uint8_t want;
} Seen;

typedef struct {
    Seen *items;
    Py_ssize_t n;
} View;

static void unsee(View *view) {
    for (Py_ssize_t i = 0; i < view->n; i++) {
        Py_XDECREF(view->items[i].op);
        Py_XDECREF(view->items[i].item);
    }
    PyMem_Free(view->items);
}

static int see(View *view, Py_ssize_t n) {
    *view = (View){PyMem_New(Seen, n), 0};
    if (view->items == NULL) PyErr_NoMemory();
    return view->items ? 0 : -1;
}

static void note(View *view, Op *op, PyObject *item, Node *node) {
    Seen *seen = &view->items[view->n++];
    *seen = (Seen){(Op *)Py_XNewRef(op), Py_XNewRef(item), 0, 0, 0};
    if (node) seen->ticket = node->ticket, seen->index = node->index, seen->want = node->want;
}

static int see_line(View *view, Node *last) {
    Node *node = last;
    if (see(view, length_of(last)) < 0) return -1;
    if (last) do {
            node = node->next;
            note(view, op_of(node), node->want <= DONE ? NULL : node->item, node); /* a receive has no value */
        } while (node != last);
    return 0;
}

/* Whose the i-th value is, if it was let in from the line and its sender has not run yet. */
static Op *sender_of(Chan *c, uint32_t i) {
    Node *last = c->rare ? c->rare->transit : NULL, *node = last;
    if (last) do {
            if (node->number == number_of_first(c) + i) return op_of(node);
            node = node->next;
        } while (node != last);
    return NULL;
}

static int see_values(View *view, Chan *c) {
    if (see(view, c->held) < 0) return -1;
    for (uint32_t i = 0; i < c->held; i++) note(view, sender_of(c, i), *at(c, i), NULL);
    return 0;
}

static PyObject *parked(State *st, Seen *seen) {
    PyObject *owner = owner_of(st, seen->op);
    PyObject *index = seen->op->verb == V_SELECT ? PyLong_FromLong(seen->index) : Py_NewRef(Py_None), *place = NULL;
    if (index)
        place = PyObject_CallFunction(st->Parked,
                                      "OOOOK",
                                      owner ? owner : Py_None,
                                      st->wants[seen->want],
                                      index,
                                      seen->item ? seen->item : Py_None,
                                      (unsigned long long)seen->ticket);
    Py_XDECREF(owner);
    Py_XDECREF(index);
    return place;
}

static PyObject *pair_of(State *Py_UNUSED(st), Seen *seen) {
    return PyTuple_Pack(2, seen->item, seen->op ? Py_True : Py_False);
}

static PyObject *sender_or_none(State *Py_UNUSED(st), Seen *seen) {
    return Py_NewRef(seen->op ? (PyObject *)seen->op : Py_None);
}

static PyObject *tuple_of(State *st, View *view, PyObject *(*describe)(State *, Seen *)) {
    PyObject *tuple = PyTuple_New(view->n);
    for (Py_ssize_t i = 0; tuple && i < view->n; i++) {
        PyObject *item = describe(st, &view->items[i]);
        if (item) PyTuple_SET_ITEM(tuple, i, item);
        else Py_CLEAR(tuple);
    }
    return tuple;
}

/* Who sleeps in a line, as a tuple of `Parked`. */
static PyObject *snapshot_line(State *st, Node *last) {
    View view;
    if (see_line(&view, last) < 0) return NULL;
    PyObject *line = tuple_of(st, &view, parked);
    unsee(&view);
    return line;
}

static PyObject *snapshot_of(State *st, Chan *c, View views[4]) {
    Rare none = {0}, *rare = c->rare ? c->rare : &none;
    PyObject *cause = Py_NewRef(rare->cause ? rare->cause : Py_None);
    unsigned int granted = c->granted, reserved = rare->reserved;
    unsigned long long cleared = rare->cleared > c->received ? rare->cleared - c->received : 0;
    unsigned long long dropped = rare->dropped, received = c->received;
    PyObject *closed = is_closed(c) ? Py_True : Py_False, *snapshot = NULL, *parts[5] = {NULL};
    int complete = 1;
    for (int i = 0; i < 5; i++) {
        View *view = &views[i ? i - 1 : 0];
        parts[i] = complete ? tuple_of(st, view, i == 0 ? pair_of : i == 1 ? sender_or_none : parked) : NULL;
        complete = parts[i] != NULL;
    }
    if (complete)
        snapshot = PyObject_CallFunction(st->Snapshot,
                                         "OIIOKKOOOOOOK",
                                         parts[0],
                                         granted,
                                         reserved,
                                         closed,
                                         dropped,
                                         received,
                                         cause,
                                         st->overflows[c->overflow],
                                         parts[1],
                                         parts[2],
                                         parts[3],
                                         parts[4],
                                         cleared);
    for (int i = 0; i < 5; i++) Py_XDECREF(parts[i]);
    Py_DECREF(cause);
    return snapshot;
}

static PyObject *chan_snapshot(Chan *c, PyObject *Py_UNUSED(ignored)) {
    View views[4] = {{NULL, 0}}; /* the values, and the three lines */
    PyObject *snapshot = NULL;
    if (see_values(&views[0], c) == 0 && see_line(&views[1], c->recvq) == 0 && see_line(&views[2], c->sendq) == 0 &&
        see_line(&views[3], slotq(c)) == 0)
        snapshot = snapshot_of(c->st, c, views);
    for (int i = 0; i < 4; i++) unsee(&views[i]);
    return snapshot;
}

/* Whether all who sleep in this line are the same operation as the first of the other. */
static int only_one(Node *last, Op *op) {
    Node *node = last;
    do {
        if (op_of(node) != op) return 0;
        node = node->next;
    } while (node != last);
    return 1;
}

/* Which invariant does not hold, or NULL. C1 .. C6 are those of hchan.py, L1 is that of line.h. */
static const char *broken(Chan *c) {
    Node *slots = slotq(c);
    if (surplus(c) < 0) return "C1";
    if (surplus(c) > 0 && c->recvq) return "C2: a receiver sleeps beside a value";
    if (has_room(c) && (c->sendq || slots)) return "C3: somebody sleeps beside a free place";
    if (is_closed(c) && (c->sendq || slots)) return "C4: a sender sleeps on a closed channel";
    if (is_closed(c) && c->recvq && !c->held) return "C4: nobody told the end";
    if (c->recvq && c->sendq && !(only_one(c->recvq, op_of(c->sendq)) && only_one(c->sendq, op_of(c->recvq))))
        return "C5: partners asleep side by side";
    if (c->overflow != OVERFLOW_WAIT && (c->sendq || slots)) return "C6";
    if (c->overflow == OVERFLOW_DROP_OLDEST && surplus(c) > capacity_of(c)) return "C6";
    if (length_of(c->recvq) != c->receivers || length_of(c->sendq) != c->senders) return "L1: sleepers miscounted";
    if (length_of(slots) != (c->rare ? c->rare->slots : 0)) return "L1: sleepers miscounted";
    if (c->held > mask(c) + 1) return "the ring is too small";
    return NULL;
}

static PyObject *chan_check(Chan *c, PyObject *Py_UNUSED(ignored)) {
    const char *what = broken(c);
    if (what) return PyErr_Format(PyExc_AssertionError, "%s: %R", what, c);
    Py_RETURN_NONE;
}
