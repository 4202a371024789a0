/* The channel as people use it, and as tools look at it. Its operations are in ends.h, its algorithm in channel.h. */

/* -- made */

static PyObject *chan_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs)) {
    State *st = state_of_subtype(type);
    Chan *c = st ? (Chan *)type->tp_alloc(type, 0) : NULL;
    if (c == NULL) return NULL;
    c->st = st;
    c->chan = c; /* no reference */
    c->ring = &c->slot;
    return (PyObject *)c;
}

/* What room is measured by; and in *large the capacity itself, if it is more than there can be memory for. -1 on error */
static Py_ssize_t limit_of(State *st, PyObject *capacity, PyObject **large) {
    PyObject *whole = PyLong_CheckExact(capacity) ? Py_NewRef(capacity) : PyObject_CallOneArg(st->whole, capacity);
    int overflow = 0;
    if (whole && PyFloat_Check(whole)) {
        Py_DECREF(whole);
        return INFINITE;
    }
    long long number = whole ? PyLong_AsLongLongAndOverflow(whole, &overflow) : -1;
    if (overflow > 0 || number >= INFINITE - 1) {
        *large = whole;
        return INFINITE - 1;
    }
    if (whole && number < 0) Py_XDECREF(PyObject_CallOneArg(st->whole, capacity)); /* so that the words are the same */
    Py_XDECREF(whole);
    return (Py_ssize_t)number;
}

static int overflow_of(State *st, PyObject *overflow) {
    for (int i = 0; i < 3; i++) {
        int equal = PyObject_RichCompareBool(overflow, st->overflows[i], Py_EQ);
        if (equal) return equal < 0 ? -1 : i;
    }
    PyErr_Format(PyExc_ValueError, "overflow must be one of wait, drop_oldest, drop_newest, not %R", overflow);
    return -1;
}

static int check_name(PyObject *name) {
    if (name == Py_None || PyUnicode_Check(name)) return 0;
    PyErr_Format(PyExc_TypeError, "the name of a channel is a string, not %R", name);
    return -1;
}

static int set_name(Chan *c, PyObject *name) {
    if (check_name(name) < 0 || (name != Py_None && rare(c) == NULL)) return -1;
    if (name == Py_None) return 0;
    Py_XSETREF(c->rare->name, Py_NewRef(name));
    return 0;
}

/* Nothing of it has been used yet, so it may still be made what it is to be. */
static int is_new(Chan *c) { return !c->made && !c->queue && !c->held && !c->received && !is_closed(c); }

static int chan_init(Chan *c, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"capacity", "name", "overflow", NULL};
    PyObject *capacity = NULL, *name = Py_None, *overflow = NULL, *large = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O$OO:Chan", names, &capacity, &name, &overflow)) return -1;
    Py_ssize_t limit = capacity ? limit_of(c->st, capacity, &large) : 0;
    if (limit < 0 || check_name(name) < 0) goto failed;
    int kind = overflow ? overflow_of(c->st, overflow) : OVERFLOW_WAIT;
    if (kind < 0 || ((kind != OVERFLOW_WAIT || large) && rare(c) == NULL)) goto failed;
    if (kind != OVERFLOW_WAIT && limit < 1) {
        if (capacity) PyErr_Format(PyExc_ValueError, "overflow=%R needs a capacity of at least 1, not %R", overflow, capacity);
        else PyErr_Format(PyExc_ValueError, "overflow=%R needs a capacity of at least 1, not 0", overflow);
        goto failed;
    }
    if (!is_new(c)) { /* looked at last: the arguments may be any objects, with methods that use the channel */
        PyErr_Format(c->st->MisuseError, "%R is made already; make another channel", c);
        goto failed;
    }
    if (set_name(c, name) < 0) goto failed;
    c->limit = limit;
    c->overflow = (uint8_t)kind;
    if (large) c->rare->capacity = large;
    c->made = 1;
    return 0;
failed:
    Py_XDECREF(large);
    return -1;
}

/* A rendezvous with that name, for a signal and for `never`. */
static Chan *chan_make(State *st, PyObject *name) {
    Chan *c = (Chan *)chan_new(st->Chan_type, NULL, NULL);
    if (c && set_name(c, name) < 0) Py_CLEAR(c);
    if (c) c->made = 1;
    return c;
}

/* -- its end */

static int visit_line(Node *last, visitproc visit, void *arg) {
    Node *node = last;
    if (last) do {
            Py_VISIT(op_of(node));
            node = node->next;
        } while (node != last);
    return 0;
}

static int chan_traverse(Chan *c, visitproc visit, void *arg) {
    int stop;
    Py_VISIT(Py_TYPE(c));
    for (uint32_t i = 0; i < c->held; i++) Py_VISIT(*at(c, i));
    if ((stop = visit_line(c->recvq, visit, arg)) || (stop = visit_line(c->sendq, visit, arg))) return stop;
    if ((stop = visit_line(slotq(c), visit, arg))) return stop;
    if (c->rare) {
        Py_VISIT(c->rare->name);
        Py_VISIT(c->rare->cause);
        Py_VISIT(c->rare->capacity);
    }
    Py_VISIT(c->queue);
    return 0;
}

static void drop_line(Node **last) {
    while (*last) {
        Op *op = op_of(first_in(*last));
        unlink_node(first_in(*last));
        Py_DECREF(op);
    }
}

/* Of a channel that is garbage; whoever slept here has left, when the collector finalized its operation. */
static int chan_clear(Chan *c) {
    while (c->held) Py_DECREF(ring_pop(c));
    c->granted = 0;
    drop_line(&c->recvq);
    drop_line(&c->sendq);
    if (c->rare) {
        drop_line(&c->rare->slotq);
        Py_CLEAR(c->rare->cause);
    }
    Py_CLEAR(c->queue);
    return 0;
}

static void chan_dealloc(Chan *c) {
    PyTypeObject *type = Py_TYPE(c);
    PyObject_GC_UnTrack(c);
    Py_TRASHCAN_BEGIN(c, chan_dealloc); /* channels may hold channels that hold channels */
    if (c->weakrefs) PyObject_ClearWeakRefs((PyObject *)c);
    chan_clear(c);
    if (c->ring != &c->slot) PyMem_Free(c->ring);
    if (c->rare) {
        Py_XDECREF(c->rare->name);
        Py_XDECREF(c->rare->capacity);
        PyMem_Free(c->rare);
    }
    type->tp_free(c);
    Py_DECREF(type);
    Py_TRASHCAN_END;
}

/* -- one-way views */

static PyObject *view_of(Chan *c, PyTypeObject *type) {
    End *view = (End *)type->tp_alloc(type, 0);
    if (view) view->chan = (Chan *)Py_NewRef((PyObject *)c);
    return (PyObject *)view;
}

static PyObject *chan_sender(Chan *c, void *Py_UNUSED(closure)) { return view_of(c, c->st->SendChan_type); }

static PyObject *chan_receiver(Chan *c, void *Py_UNUSED(closure)) { return view_of(c, c->st->RecvChan_type); }

/* -- what Reservation asks for */

static PyObject *chan_reserve_place(PyObject *self, PyObject *const *Py_UNUSED(args), Py_ssize_t n, PyObject *kwnames) {
    if (no_arguments(n, kwnames, "_reserve_place") < 0) return NULL;
    return op_new_of(((Chan *)self)->st, V_RESERVE, RESERVE, self, NULL);
}

static PyObject *chan_use_place(Chan *c, PyObject *value) {
    if (check_thread((PyObject *)c, c->queue) < 0) return NULL;
    int result = use_place(c, value);
    if (result == ENDED) raise_closed(c, "send", NULL);
    if (result != SUCCEEDED) return NULL;
    Py_RETURN_NONE;
}

static PyObject *chan_return_place(Chan *c, PyObject *Py_UNUSED(ignored)) {
    if (check_thread((PyObject *)c, c->queue) < 0 || rare(c) == NULL) return NULL;
    return_place(c);
    Py_RETURN_NONE;
}

/* -- to be looked at */

static PyObject *chan_repr(Chan *c) {
    PyObject *name = name_or_address(c->rare ? c->rare->name : NULL, (PyObject *)c);
    PyObject *capacity = name ? end_capacity((PyObject *)c, NULL) : NULL, *repr = NULL;
    if (capacity)
        repr = PyUnicode_FromFormat("<Chan %U %zd/%S%s%S %s, %zd senders %u receivers parked>", name, surplus(c), capacity,
                                    c->overflow ? " " : "", c->overflow ? c->st->overflows[c->overflow] : c->st->empty,
                                    is_closed(c) ? "closed" : "open",
                                    (Py_ssize_t)c->senders + (c->rare ? c->rare->slots : 0), c->receivers);
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
            note(view, op_of(node), node->item, node);
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
        place = PyObject_CallFunction(st->Parked, "OOOOK", owner ? owner : Py_None, st->wants[seen->want], index,
                                      seen->item ? seen->item : Py_None, (unsigned long long)seen->ticket);
    Py_XDECREF(owner);
    Py_XDECREF(index);
    return place;
}

static PyObject *pair_of(State *Py_UNUSED(st), Seen *seen) {
    return PyTuple_Pack(2, seen->item, seen->op ? Py_True : Py_False);
}

static PyObject *sender_or_none(State *Py_UNUSED(st), Seen *seen) { return Py_NewRef(seen->op ? (PyObject *)seen->op : Py_None); }

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
    unsigned long long dropped = rare->dropped, received = c->received;
    PyObject *closed = is_closed(c) ? Py_True : Py_False, *snapshot = NULL, *parts[5] = {NULL};
    int complete = 1;
    for (int i = 0; i < 5; i++) {
        View *view = &views[i ? i - 1 : 0];
        parts[i] = complete ? tuple_of(st, view, i == 0 ? pair_of : i == 1 ? sender_or_none : parked) : NULL;
        complete = parts[i] != NULL;
    }
    if (complete)
        snapshot = PyObject_CallFunction(st->Snapshot, "OIIOKKOOOOOO", parts[0], granted, reserved, closed, dropped, received,
                                         cause, st->overflows[c->overflow], parts[1], parts[2], parts[3], parts[4]);
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

static PyObject *chan_sizeof(Chan *c, PyObject *Py_UNUSED(ignored)) {
    size_t size = Py_TYPE(c)->tp_basicsize;
    if (c->ring != &c->slot) size += sizeof(PyObject *) << c->log2size;
    return PyLong_FromSize_t(c->rare ? size + sizeof(Rare) : size);
}

static PyMethodDef chan_methods[] = {
    SEND_METHODS(Chan),
    RECV_METHODS(Chan),
    GENERIC,
    {"stats", end_stats, METH_NOARGS, DOC_Chan_stats},
    {"_use_place", (PyCFunction)chan_use_place, METH_O, NULL},
    {"_return_place", (PyCFunction)chan_return_place, METH_NOARGS, NULL},
    {"_check", (PyCFunction)chan_check, METH_NOARGS, NULL},
    {"_snapshot", (PyCFunction)chan_snapshot, METH_NOARGS, NULL},
    {"__sizeof__", (PyCFunction)chan_sizeof, METH_NOARGS, NULL},
    {NULL},
};

static const MethodDef chan_operations[] = {
    SEND_OPERATIONS(Chan),
    RECV_OPERATIONS(Chan),
    {"_reserve_place", chan_reserve_place, ""},
    {NULL},
};

static PyGetSetDef chan_getset[] = {
    {"sender", (getter)chan_sender, NULL, DOC_Chan_sender, NULL},
    {"receiver", (getter)chan_receiver, NULL, DOC_Chan_receiver, NULL},
    {NULL},
};

static PyType_Slot chan_slots[] = {
    {Py_tp_doc, DOC_Chan},
    {Py_tp_new, chan_new},
    {Py_tp_init, chan_init},
    {Py_tp_dealloc, chan_dealloc},
    {Py_tp_traverse, chan_traverse},
    {Py_tp_clear, chan_clear},
    {Py_tp_repr, chan_repr},
    {Py_tp_hash, signal_hash},
    {Py_tp_richcompare, signal_richcompare},
    {Py_am_aiter, PyObject_SelfIter},
    {Py_am_anext, recvchan_anext},
    {Py_tp_methods, chan_methods},
    {Py_tp_getset, chan_getset},
    {0, NULL},
};

static PyType_Spec chan_spec = {"aiochan.core._speedups.Chan", sizeof(Chan), 0, END_FLAGS, chan_slots};
