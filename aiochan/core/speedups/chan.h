/* The channel as people use it, and as tools look at it. Its operations are in ends.h, its algorithm in channel.h. */

/* -- made */

static PyObject *chan_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs)) {
    State *st = PyModule_GetState(PyType_GetModuleByDef(type, &module_def));
    Chan *c = (Chan *)type->tp_alloc(type, 0);
    if (c == NULL) return NULL;
    c->st = st;
    c->chan = c; /* no reference */
    c->ring = &c->slot;
    return (PyObject *)c;
}

static int set_capacity(Chan *c, PyObject *capacity) {
    int overflow = 0;
    PyObject *whole = PyLong_CheckExact(capacity) ? Py_NewRef(capacity) : PyObject_CallOneArg(c->st->whole, capacity);
    if (whole == NULL) return -1;
    if (PyFloat_Check(whole)) {
        c->limit = INFINITE;
        Py_DECREF(whole);
        return 0;
    }
    long long number = PyLong_AsLongLongAndOverflow(whole, &overflow);
    if (overflow < 0 || (number < 0 && !overflow)) { /* so that the words are the same */
        Py_SETREF(whole, PyObject_CallOneArg(c->st->whole, capacity));
        Py_XDECREF(whole);
        return -1;
    }
    if (!overflow && number < INFINITE - 1) {
        c->limit = (Py_ssize_t)number;
        Py_DECREF(whole);
        return 0;
    }
    c->limit = INFINITE - 1; /* more than there is memory for */
    if (rare(c) == NULL) {
        Py_DECREF(whole);
        return -1;
    }
    Py_XSETREF(c->rare->capacity, whole);
    return 0;
}

static int set_name(Chan *c, PyObject *name) {
    if (name == Py_None) return 0;
    if (!PyUnicode_Check(name)) {
        PyErr_Format(PyExc_TypeError, "the name of a channel is a string, not %R", name);
        return -1;
    }
    if (rare(c) == NULL) return -1;
    Py_XSETREF(c->rare->name, Py_NewRef(name));
    return 0;
}

static int set_overflow(Chan *c, PyObject *overflow, PyObject *capacity) {
    for (uint8_t i = 0; i < 3; i++) {
        int equal = PyObject_RichCompareBool(overflow, c->st->overflows[i], Py_EQ);
        if (equal < 0) return -1;
        if (!equal) continue;
        if (i != OVERFLOW_WAIT && c->limit < 1) {
            PyErr_Format(PyExc_ValueError, "overflow=%R needs a capacity of at least 1, not %R", overflow, capacity);
            return -1;
        }
        c->overflow = i;
        return i != OVERFLOW_WAIT && rare(c) == NULL ? -1 : 0;
    }
    PyErr_Format(PyExc_ValueError, "overflow must be one of wait, drop_oldest, drop_newest, not %R", overflow);
    return -1;
}

static int chan_init(Chan *c, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"capacity", "name", "overflow", NULL};
    PyObject *capacity = NULL, *name = Py_None, *overflow = NULL;
    if (c->made) {
        PyErr_Format(c->st->MisuseError, "%R is made already; make another channel", c);
        return -1;
    }
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O$OO:Chan", names, &capacity, &name, &overflow)) return -1;
    if (capacity && set_capacity(c, capacity) < 0) return -1;
    if (set_name(c, name) < 0 || (overflow && set_overflow(c, overflow, capacity ? capacity : Py_None) < 0)) return -1;
    c->made = 1;
    return 0;
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
    if (check_thread((PyObject *)c, c->queue) < 0 || rare(c) == NULL || return_place(c) < 0) return NULL;
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

/* Who sleeps in a line, as a tuple of `Parked`. */
static PyObject *snapshot_line(State *st, Node *last) {
    PyObject *line = PyList_New(0), *tuple;
    Node *node = last;
    if (last && line) do {
            node = node->next;
            Op *op = op_of(node);
            PyObject *owner = owner_of(st, op), *index = index_of(op, node);
            PyObject *parked = PyObject_CallFunction(st->Parked, "OOOOK", owner ? owner : Py_None, st->wants[node->want],
                                                     index ? index : Py_None, node->item ? node->item : Py_None,
                                                     (unsigned long long)node->ticket);
            Py_XDECREF(owner);
            Py_XDECREF(index);
            if (parked == NULL || PyList_Append(line, parked) < 0) Py_CLEAR(line);
            Py_XDECREF(parked);
        } while (line && node != last);
    tuple = line ? PyList_AsTuple(line) : NULL;
    Py_XDECREF(line);
    return tuple;
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

static PyObject *chan_snapshot(Chan *c, PyObject *Py_UNUSED(ignored)) {
    State *st = c->st;
    PyObject *held = PyTuple_New(c->held), *senders = PyTuple_New(c->held), *snapshot = NULL;
    for (uint32_t i = 0; held && senders && i < c->held; i++) {
        Op *sender = sender_of(c, i);
        PyObject *pair = Py_BuildValue("(OO)", *at(c, i), sender ? Py_True : Py_False);
        if (pair == NULL) Py_CLEAR(held);
        else PyTuple_SET_ITEM(held, i, pair);
        PyTuple_SET_ITEM(senders, i, Py_NewRef(sender ? (PyObject *)sender : Py_None));
    }
    PyObject *recvq = snapshot_line(st, c->recvq), *sendq = snapshot_line(st, c->sendq), *slots = snapshot_line(st, slotq(c));
    if (held && senders && recvq && sendq && slots)
        snapshot = PyObject_CallFunction(
            st->Snapshot, "OIIOKKOOOOOO", held, c->granted, c->rare ? c->rare->reserved : 0, is_closed(c) ? Py_True : Py_False,
            (unsigned long long)(c->rare ? c->rare->dropped : 0), (unsigned long long)c->received,
            c->rare && c->rare->cause ? c->rare->cause : Py_None, st->overflows[c->overflow], senders, recvq, sendq, slots);
    Py_XDECREF(held);
    Py_XDECREF(senders);
    Py_XDECREF(recvq);
    Py_XDECREF(sendq);
    Py_XDECREF(slots);
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

static Py_ssize_t length_of(Node *last) {
    Py_ssize_t n = 0;
    Node *node = last;
    if (last) do {
            n += node->linked && node->next->prev == node && op_of(node)->state == PARKED;
            node = node->next;
        } while (node != last);
    return n;
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
