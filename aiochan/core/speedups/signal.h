/* A signal: a receive end whose closing is the message. What signal.py says, in C. */

static Chan *chan_make(State *st, PyObject *name);
static PyObject *chan_check(Chan *c, PyObject *ignored);
static PyObject *chan_snapshot(Chan *c, PyObject *ignored);

static int signal_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"name", NULL};
    State *st = state_of_subtype(Py_TYPE(self));
    PyObject *name = Py_None;
    if (st == NULL || refuse_again(st, self) < 0 || !PyArg_ParseTupleAndKeywords(args, kwargs, "|O", names, &name))
        return -1;
    Chan *c = chan_make(st, name);
    if (c == NULL) return -1;
    ((End *)self)->chan = c;
    return 0;
}

static PyObject *signal_close(PyObject *self, PyObject *Py_UNUSED(ignored)) {
    Chan *c = chan_behind(self);
    if (c == NULL || close_on_exit(c, NULL) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *signal_wait(PyObject *self, PyObject *const *Py_UNUSED(args), Py_ssize_t n, PyObject *kwnames) {
    return receiving(self, n, kwnames, V_SIGNAL_WAIT);
}

static PyObject *signal_recv_ok(PyObject *self, PyObject *const *Py_UNUSED(args), Py_ssize_t n, PyObject *kwnames) {
    return receiving(self, n, kwnames, V_SIGNAL_OK);
}

static PyObject *signal_recv_nowait(PyObject *self, PyObject *Py_UNUSED(ignored)) {
    Chan *c = chan_behind(self);
    if (c == NULL || check_thread((PyObject *)c, c->queue) < 0) return NULL;
    if (is_closed(c)) Py_RETURN_NONE;
    return PyErr_Format(c->st->WouldBlock, "not closed yet: %R", self);
}

static PyObject *signal_repr(PyObject *self) {
    Chan *c = chan_behind(self);
    PyObject *name = c ? name_or_address(c->rare ? c->rare->name : NULL, self) : NULL;
    if (name == NULL) return NULL;
    PyObject *repr =
        PyUnicode_FromFormat("<Signal %U %s, %u waiting>", name, is_closed(c) ? "closed" : "open", c->receivers);
    Py_DECREF(name);
    return repr;
}

static PyObject *signal_check(PyObject *self, PyObject *Py_UNUSED(ignored)) {
    Chan *c = chan_behind(self);
    return c ? chan_check(c, NULL) : NULL;
}

static PyObject *signal_snapshot(PyObject *self, PyObject *Py_UNUSED(ignored)) {
    Chan *c = chan_behind(self);
    return c ? chan_snapshot(c, NULL) : NULL;
}

static PyMethodDef signal_methods[] = {
    {"close", signal_close, METH_NOARGS, DOC_Signal_close},
    {"recv_nowait", signal_recv_nowait, METH_NOARGS, DOC_Signal_recv_nowait},
    {"_check", signal_check, METH_NOARGS, NULL},
    {"_snapshot", signal_snapshot, METH_NOARGS, NULL},
    {NULL},
};

static const MethodDef signal_operations[] = {
    {"wait", signal_wait, DOC_Signal_wait},
    {"recv", signal_wait, DOC_Signal_recv},
    {"recv_ok", signal_recv_ok, DOC_Signal_recv_ok},
    {NULL},
};

static PyType_Slot signal_slots[] = {
    {Py_tp_doc, DOC_Signal},
    {Py_tp_dealloc, end_dealloc},
    {Py_tp_traverse, end_traverse},
    {Py_tp_clear, end_clear},
    {Py_tp_init, signal_init},
    {Py_tp_repr, signal_repr},
    {Py_tp_hash, identity_hash},
    {Py_tp_richcompare, identity_richcompare},
    {Py_tp_methods, signal_methods},
    {0, NULL},
};

static PyType_Spec signal_spec = {"aiochan.core._speedups.Signal", sizeof(End), 0, END_FLAGS, signal_slots};
