/* The channel as people make it. Its operations are in ends.h, its algorithm in channel.h. */

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

/* What room is measured by; and in *large the capacity itself, if there cannot be memory for so many. -1 on error */
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
        if (capacity)
            PyErr_Format(PyExc_ValueError, "overflow=%R needs a capacity of at least 1, not %R", overflow, capacity);
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

static PyObject *chan_clear_values(Chan *c, PyObject *Py_UNUSED(ignored)) {
    Py_ssize_t n = clear(c);
    return n < 0 ? NULL : PyLong_FromSsize_t(n);
}

/* -- the type */

static PyObject *chan_sizeof(Chan *c, PyObject *Py_UNUSED(ignored)) {
    size_t size = Py_TYPE(c)->tp_basicsize;
    if (c->ring != &c->slot) size += sizeof(PyObject *) << c->log2size;
    return PyLong_FromSize_t(c->rare ? size + sizeof(Rare) : size);
}

static PyMethodDef chan_methods[] = {
    SEND_METHODS(Chan),
    RECV_METHODS(Chan),
    GENERIC,
    {"clear", (PyCFunction)chan_clear_values, METH_NOARGS, DOC_Chan_clear},
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
    {Py_tp_hash, identity_hash},
    {Py_tp_richcompare, identity_richcompare},
    {Py_am_aiter, PyObject_SelfIter},
    {Py_am_anext, recvchan_anext},
    {Py_tp_methods, chan_methods},
    {Py_tp_getset, chan_getset},
    {0, NULL},
};

static PyType_Spec chan_spec = {"aiochan.core._speedups.Chan", sizeof(Chan), 0, END_FLAGS, chan_slots};
