/* The two ends of a channel, and what a channel has from both: `Chan` is a SendChan and a RecvChan, whose `chan` is
 * itself. So the functions here serve all three. */

/* The channel of a view; NULL and an error for one that was never made properly. */
static Chan *chan_behind(PyObject *self) {
    Chan *c = ((End *)self)->chan;
    if (c == NULL)
        PyErr_Format(
            PyExc_TypeError, "this %s is an end of no channel: its __init__ was not called", Py_TYPE(self)->tp_name);
    return c;
}

/* The one argument of a method, by place or by name; NULL and an error if it is not that. */
static PyObject *only_argument(PyObject *const *args, Py_ssize_t n, PyObject *kwnames, const char *method,
                               const char *name) {
    Py_ssize_t named = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
    if (n + named == 1 && (n == 1 || PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kwnames, 0), name) == 0))
        return args[0];
    if (n + named == 0)
        PyErr_Format(PyExc_TypeError, "%s() missing 1 required positional argument: '%s'", method, name);
    else if (n + named == 1 || (named && n < 2))
        PyErr_Format(PyExc_TypeError,
                     "%s() got an unexpected keyword argument %R",
                     method,
                     PyTuple_GET_ITEM(kwnames, named - 1));
    else PyErr_Format(PyExc_TypeError, "%s() takes 1 argument, '%s', but %zd were given", method, name, n + named);
    return NULL;
}

/* Two arguments by place or by name; those not given stay what they are in `found`, where NULL means needed. */
static int arguments(const char *function, const char *const names[2], PyObject *const *args, Py_ssize_t n,
                     PyObject *kwnames, PyObject *found[2]) {
    Py_ssize_t named = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
    for (Py_ssize_t i = 0; i < n && i < 2; i++) found[i] = args[i];
    for (Py_ssize_t i = 0; i < named; i++) {
        PyObject *name = PyTuple_GET_ITEM(kwnames, i);
        int which = PyUnicode_CompareWithASCIIString(name, names[0]) ? 1 : 0;
        if (which == 1 && PyUnicode_CompareWithASCIIString(name, names[1])) {
            PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument %R", function, name);
            return -1;
        }
        if (which < n) {
            PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument %R", function, name);
            return -1;
        }
        found[which] = args[n + i];
    }
    if (n <= 2 && found[0] && found[1]) return 0;
    if (n > 2) PyErr_Format(PyExc_TypeError, "%s() takes 2 arguments but %zd were given", function, n);
    else PyErr_Format(PyExc_TypeError, "%s() missing a required argument: '%s'", function, names[found[0] ? 1 : 0]);
    return -1;
}

/* For methods without arguments. */
static inline int no_arguments(Py_ssize_t n, PyObject *kwnames, const char *method) {
    Py_ssize_t given = n + (kwnames ? PyTuple_GET_SIZE(kwnames) : 0);
    if (given) PyErr_Format(PyExc_TypeError, "%s() takes no arguments (%zd given)", method, given);
    return given ? -1 : 0;
}

static PyObject *refuse_copy(PyObject *self, PyObject *Py_UNUSED(protocol)) {
    return PyErr_Format(PyExc_TypeError, "%R cannot be copied or pickled: it belongs to one event loop", self);
}

/* Equal is only what is the same. */
static PyObject *identity_richcompare(PyObject *self, PyObject *other, int operation) {
    if (operation != Py_EQ && operation != Py_NE) Py_RETURN_NOTIMPLEMENTED;
    if (self != other) Py_RETURN_NOTIMPLEMENTED;
    return PyBool_FromLong(operation == Py_EQ);
}

static Py_hash_t identity_hash(PyObject *self) { return _Py_HashPointer(self); }

/* How the repr of a thing begins: its name, or where it is. */
static PyObject *name_or_address(PyObject *name /* or NULL */, PyObject *thing) {
    if (name == NULL || name == Py_None) return PyUnicode_FromFormat("at %p", thing);
    Py_INCREF(name);
    PyObject *repr = PyObject_Repr(name);
    Py_DECREF(name);
    return repr;
}

/* -- what both ends can tell */

static PyObject *end_capacity(PyObject *self, void *Py_UNUSED(closure)) {
    Chan *c = chan_behind(self);
    if (c == NULL) return NULL;
    if (c->rare && c->rare->capacity) return Py_NewRef(c->rare->capacity);
    Py_ssize_t capacity = capacity_of(c);
    return capacity == INFINITE ? Py_NewRef(c->st->infinity) : PyLong_FromSsize_t(capacity);
}

static PyObject *end_closed(PyObject *self, void *Py_UNUSED(closure)) {
    Chan *c = chan_behind(self);
    return c ? PyBool_FromLong(is_closed(c)) : NULL;
}

static PyObject *end_name(PyObject *self, void *Py_UNUSED(closure)) {
    Chan *c = chan_behind(self);
    if (c == NULL) return NULL;
    return Py_NewRef(c->rare && c->rare->name ? c->rare->name : Py_None);
}

static PyObject *end_stats(PyObject *self, PyObject *Py_UNUSED(ignored)) {
    Chan *c = chan_behind(self);
    PyObject *capacity = c ? end_capacity(self, NULL) : NULL;
    if (capacity == NULL) return NULL;
    unsigned long long dropped = c->rare ? c->rare->dropped : 0, received = c->received;
    return PyObject_CallFunction(c->st->Stats,
                                 "nIINnnKKKO",
                                 surplus(c),
                                 c->granted,
                                 c->rare ? c->rare->reserved : 0,
                                 capacity,
                                 (Py_ssize_t)c->senders + (c->rare ? c->rare->slots : 0),
                                 (Py_ssize_t)c->receivers,
                                 received + dropped + c->held,
                                 received,
                                 dropped,
                                 is_closed(c) ? Py_True : Py_False);
}

static Py_ssize_t end_length(PyObject *self) {
    Chan *c = chan_behind(self);
    return c ? surplus(c) : -1;
}

static int end_bool(PyObject *Py_UNUSED(self)) { return 1; }

static PyObject *end_richcompare(PyObject *self, PyObject *other, int operation) {
    if (operation != Py_EQ && operation != Py_NE) Py_RETURN_NOTIMPLEMENTED;
    int equal = Py_TYPE(self) == Py_TYPE(other) && ((End *)self)->chan == ((End *)other)->chan;
    return PyBool_FromLong(equal == (operation == Py_EQ));
}

static Py_hash_t end_hash(PyObject *self) {
    return _Py_HashPointer(Py_TYPE(self)) ^ (3 * _Py_HashPointer(((End *)self)->chan));
}

static PyObject *end_repr(PyObject *self) {
    Chan *c = chan_behind(self);
    if (c == NULL) return NULL;
    PyObject *name = PyObject_GetAttr((PyObject *)Py_TYPE(self), c->st->s_name);
    PyObject *repr = name ? PyUnicode_FromFormat("<%U of %R>", name, c) : NULL;
    Py_XDECREF(name);
    return repr;
}

/* What was made once is not made again: somebody may be in the middle of using it. */
static int refuse_again(State *st, PyObject *self) {
    if (((End *)self)->chan == NULL) return 0;
    PyErr_Format(st->MisuseError, "%R is made already; make another one", self);
    return -1;
}

static int end_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"chan", NULL};
    PyObject *chan;
    State *st = state_of_subtype(Py_TYPE(self));
    if (st == NULL || refuse_again(st, self) < 0 || !PyArg_ParseTupleAndKeywords(args, kwargs, "O", names, &chan))
        return -1;
    if (!PyObject_TypeCheck(chan, st->Chan_type)) {
        PyObject *name = PyObject_GetAttr((PyObject *)Py_TYPE(self), st->s_name);
        if (name)
            PyErr_Format(
                PyExc_TypeError, "%U is an end of a channel, as ch.sender and ch.receiver, not of %R", name, chan);
        Py_XDECREF(name);
        return -1;
    }
    ((End *)self)->chan = (Chan *)Py_NewRef(chan);
    return 0;
}

static int end_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((End *)self)->chan);
    return 0;
}

static int end_clear(PyObject *self) {
    Py_CLEAR(((End *)self)->chan);
    return 0;
}

static void end_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (((End *)self)->weakrefs) PyObject_ClearWeakRefs(self);
    end_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef end_methods[] = {
    {"stats", end_stats, METH_NOARGS, DOC_End_stats},
    {"__reduce_ex__", refuse_copy, METH_O, NULL},
    {NULL},
};

static PyGetSetDef end_getset[] = {
    {"capacity", end_capacity, NULL, DOC_End_capacity, NULL},
    {"closed", end_closed, NULL, DOC_End_closed, NULL},
    {"name", end_name, NULL, DOC_End_name, NULL},
    {NULL},
};

static PyMemberDef end_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(End, weakrefs), READONLY, NULL},
    {NULL},
};

/* Each type names its dealloc, traverse and clear itself; what it would inherit asks its way up to them. */
static PyType_Slot end_slots[] = {
    {Py_tp_doc, DOC_End},
    {Py_tp_init, end_init},
    {Py_tp_dealloc, end_dealloc},
    {Py_tp_traverse, end_traverse},
    {Py_tp_clear, end_clear},
    {Py_tp_repr, end_repr},
    {Py_tp_hash, end_hash},
    {Py_tp_richcompare, end_richcompare},
    {Py_sq_length, end_length},
    {Py_nb_bool, end_bool},
    {Py_tp_methods, end_methods},
    {Py_tp_getset, end_getset},
    {Py_tp_members, end_members},
    {0, NULL},
};

#define END_FLAGS (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC)

static PyType_Spec end_spec = {"aiochan.core._speedups.End", sizeof(End), 0, END_FLAGS, end_slots};

/* -- the send end */

static PyObject *sendchan_send(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *kwnames) {
    Chan *c = chan_behind(self);
    PyObject *value = n == 1 && !kwnames ? args[0] : only_argument(args, n, kwnames, "send", "value");
    return c && value ? op_new_of(c->st, V_SEND, SEND, (PyObject *)c, value) : NULL;
}

static PyObject *sendchan_send_nowait(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *kwnames) {
    Chan *c = chan_behind(self);
    PyObject *value = n == 1 && !kwnames ? args[0] : only_argument(args, n, kwnames, "send_nowait", "value");
    if (c == NULL || value == NULL) return NULL;
    Py_INCREF(value);
    int result = put(c, &value);
    Py_XDECREF(value);
    if (result == SUCCEEDED) Py_RETURN_NONE;
    if (result == ENDED) raise_closed(c, "send", NULL);
    if (result == MUST_WAIT) PyErr_Format(c->st->WouldBlock, "no room and no receiver: %R", c);
    return NULL;
}

static int close_with(Chan *c, PyObject *cause /* may be NULL or None */) {
    if (cause == Py_None) cause = NULL;
    if (cause && !PyExceptionInstance_Check(cause)) {
        PyErr_Format(PyExc_TypeError, "the cause of a close is an exception or None, not %R", cause);
        return -1;
    }
    if (check_thread((PyObject *)c, c->queue) < 0) return -1;
    int result = close_channel(c, cause);
    if (result == ENDED) raise_closed(c, "close", NULL);
    return result == SUCCEEDED ? 0 : -1;
}

static int close_on_exit(Chan *c, PyObject *cause) { return is_closed(c) ? 0 : close_with(c, cause); }

static PyObject *sendchan_close(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *kwnames) {
    Chan *c = chan_behind(self);
    PyObject *cause = Py_None;
    if ((n || kwnames) && (cause = only_argument(args, n, kwnames, "close", "cause")) == NULL) return NULL;
    if (c == NULL || close_with(c, cause) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *sendchan_reserve(PyObject *self, PyObject *Py_UNUSED(ignored)) {
    Chan *c = chan_behind(self);
    if (c == NULL) return NULL;
    if (capacity_of(c) < 1 || c->overflow != OVERFLOW_WAIT)
        return PyErr_Format(
            PyExc_ValueError, "only a channel with room that makes senders wait has places to reserve: %R", c);
    return PyObject_CallOneArg(c->st->Reservation, (PyObject *)c);
}

static PyObject *sendchan_enter(PyObject *self, PyObject *Py_UNUSED(ignored)) { return Py_NewRef(self); }

/* What `with` gives: the type of the error, the error, and its traceback. */
static PyObject *error_of_exit(PyObject *const *args, Py_ssize_t n, PyObject *kwnames, const char *method) {
    if (n == 3 && !kwnames) return args[1];
    return PyErr_Format(PyExc_TypeError, "%s() takes 3 arguments, by place: kind, error and tb", method);
}

static PyObject *sendchan_exit(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *kwnames) {
    Chan *c = chan_behind(self);
    PyObject *error = c ? error_of_exit(args, n, kwnames, "__exit__") : NULL;
    if (error == NULL || close_on_exit(c, error) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *sendchan_aenter(PyObject *self, PyObject *const *Py_UNUSED(args), Py_ssize_t n, PyObject *kwnames) {
    Chan *c = chan_behind(self);
    return c && no_arguments(n, kwnames, "__aenter__") == 0 ? op_new_of(c->st, V_ENTER, SEND, (PyObject *)c, self)
                                                            : NULL;
}

static PyObject *sendchan_aexit(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *kwnames) {
    Chan *c = chan_behind(self);
    PyObject *error = c ? error_of_exit(args, n, kwnames, "__aexit__") : NULL;
    return error ? op_new_of(c->st, V_EXIT, SEND, (PyObject *)c, error) : NULL;
}

#define FAST (METH_FASTCALL | METH_KEYWORDS)
#define GENERIC {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, NULL}

/* The methods of each end, of which a channel has both, with docstrings of its own. */
#define SEND_METHODS(TYPE)                                                                    \
    {"send_nowait", _PyCFunction_CAST(sendchan_send_nowait), FAST, DOC_##TYPE##_send_nowait}, \
        {"close", _PyCFunction_CAST(sendchan_close), FAST, DOC_##TYPE##_close},               \
        {"reserve", sendchan_reserve, METH_NOARGS, DOC_##TYPE##_reserve},                     \
        {"__enter__", sendchan_enter, METH_NOARGS, DOC_##TYPE##___enter__}, {                 \
        "__exit__", _PyCFunction_CAST(sendchan_exit), FAST, DOC_##TYPE##___exit__             \
    }

#define SEND_OPERATIONS(TYPE)                                                                               \
    {"send", sendchan_send, DOC_##TYPE##_send}, {"__aenter__", sendchan_aenter, DOC_##TYPE##___aenter__}, { \
        "__aexit__", sendchan_aexit, DOC_##TYPE##___aexit__                                                 \
    }

static PyMethodDef sendchan_methods[] = {SEND_METHODS(SendChan), GENERIC, {NULL}};

static const MethodDef sendchan_operations[] = {SEND_OPERATIONS(SendChan), {NULL}};

static PyType_Slot sendchan_slots[] = {
    {Py_tp_doc, DOC_SendChan},
    {Py_tp_dealloc, end_dealloc},
    {Py_tp_traverse, end_traverse},
    {Py_tp_clear, end_clear},
    {Py_tp_methods, sendchan_methods},
    {0, NULL},
};

static PyType_Spec sendchan_spec = {"aiochan.core._speedups.SendChan", sizeof(End), 0, END_FLAGS, sendchan_slots};

/* -- the receive end */

/* A receive, of whatever kind: none takes arguments. */
static inline PyObject *receiving(PyObject *self, Py_ssize_t n, PyObject *kwnames, int verb) {
    Chan *c = chan_behind(self);
    if (c == NULL || no_arguments(n, kwnames, VERBS[verb].name) < 0) return NULL;
    return op_new_of(c->st, verb, RECV, (PyObject *)c, NULL);
}

static PyObject *recvchan_recv(PyObject *self, PyObject *const *Py_UNUSED(args), Py_ssize_t n, PyObject *kwnames) {
    return receiving(self, n, kwnames, V_RECV);
}

static PyObject *recvchan_recv_ok(PyObject *self, PyObject *const *Py_UNUSED(args), Py_ssize_t n, PyObject *kwnames) {
    return receiving(self, n, kwnames, V_RECV_OK);
}

static PyObject *recvchan_anext(PyObject *self) { return receiving(self, 0, NULL, V_NEXT); }

static PyObject *recvchan_recv_nowait(PyObject *self, PyObject *Py_UNUSED(ignored)) {
    Chan *c = chan_behind(self);
    PyObject *value = NULL;
    if (c == NULL) return NULL;
    switch (take(c, &value)) {
    case ENDED: raise_closed(c, "recv", NULL); break;
    case MUST_WAIT: PyErr_Format(c->st->WouldBlock, "no value and no sender: %R", c); break;
    }
    return value;
}

#define RECV_METHODS(TYPE) {"recv_nowait", recvchan_recv_nowait, METH_NOARGS, DOC_##TYPE##_recv_nowait}

#define RECV_OPERATIONS(TYPE) \
    {"recv", recvchan_recv, DOC_##TYPE##_recv}, { "recv_ok", recvchan_recv_ok, DOC_##TYPE##_recv_ok }

static PyMethodDef recvchan_methods[] = {RECV_METHODS(RecvChan), GENERIC, {NULL}};

static const MethodDef recvchan_operations[] = {RECV_OPERATIONS(RecvChan), {NULL}};

static PyType_Slot recvchan_slots[] = {
    {Py_tp_doc, DOC_RecvChan},
    {Py_tp_dealloc, end_dealloc},
    {Py_tp_traverse, end_traverse},
    {Py_tp_clear, end_clear},
    {Py_am_aiter, PyObject_SelfIter},
    {Py_am_anext, recvchan_anext},
    {Py_tp_methods, recvchan_methods},
    {0, NULL},
};

static PyType_Spec recvchan_spec = {"aiochan.core._speedups.RecvChan", sizeof(End), 0, END_FLAGS, recvchan_slots};
