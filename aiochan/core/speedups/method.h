/* Methods that return an operation, as coroutine functions: tools such as `mock.create_autospec` and web frameworks ask
 * `inspect.iscoroutinefunction` whether to await what a method returns. CPython's own method descriptors cannot be
 * marked as that; these can. Their type is immutable, or the interpreter would not remember where a method is. */

typedef PyObject *(*OperationFunction)(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *kwnames);

typedef struct {
    const char *name;
    OperationFunction function;
    const char *doc; /* with the text signature, as in a PyMethodDef */
} MethodDef;

typedef struct {
    PyObject_HEAD vectorcallfunc call;
    const MethodDef *def;
    PyTypeObject *owner; /* on whose instances it works */
    PyObject *dict;      /* with the mark */
} Method;

static PyObject *method_call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    Method *method = (Method *)self;
    Py_ssize_t n = PyVectorcall_NARGS(nargsf);
    if (n >= 1 && PyObject_TypeCheck(args[0], method->owner))
        return method->def->function(args[0], args + 1, n - 1, kwnames);
    if (n < 1)
        return PyErr_Format(
            PyExc_TypeError, "unbound method %s.%s() needs an argument", method->owner->tp_name, method->def->name);
    return PyErr_Format(PyExc_TypeError,
                        "descriptor '%s' for '%s' objects doesn't apply to a '%s' object",
                        method->def->name,
                        method->owner->tp_name,
                        Py_TYPE(args[0])->tp_name);
}

static PyObject *method_get(PyObject *self, PyObject *object, PyObject *Py_UNUSED(type)) {
    return object == NULL || object == Py_None ? Py_NewRef(self) : PyMethod_New(self, object);
}

static int method_traverse(Method *method, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(method));
    Py_VISIT(method->owner);
    Py_VISIT(method->dict);
    return 0;
}

static int method_clear(Method *method) {
    Py_CLEAR(method->owner);
    Py_CLEAR(method->dict);
    return 0;
}

static void method_dealloc(Method *method) {
    PyTypeObject *type = Py_TYPE(method);
    PyObject_GC_UnTrack(method);
    method_clear(method);
    PyObject_GC_Del(method);
    Py_DECREF(type);
}

static PyObject *method_name(Method *method, void *Py_UNUSED(closure)) {
    return PyUnicode_FromString(method->def->name);
}

static PyObject *of_owner(Method *method, size_t name) {
    State *st = state_of_type(Py_TYPE(method));
    return PyObject_GetAttr((PyObject *)method->owner, *(PyObject **)((char *)st + name));
}

static PyObject *method_qualname(Method *method, void *Py_UNUSED(closure)) {
    PyObject *owner = of_owner(method, offsetof(State, s_qualname));
    PyObject *name = owner ? PyUnicode_FromFormat("%S.%s", owner, method->def->name) : NULL;
    Py_XDECREF(owner);
    return name;
}

static PyObject *method_module(Method *method, void *Py_UNUSED(closure)) {
    return of_owner(method, offsetof(State, s_module));
}

/* "name($self, ...)\n--\n\ntext": the text, and what stands in parentheses. */
static PyObject *method_doc(Method *method, void *Py_UNUSED(closure)) {
    const char *end = strstr(method->def->doc, "\n--\n\n");
    const char *text = end ? end + 5 : method->def->doc;
    if (*text == '\0') Py_RETURN_NONE;
    return PyUnicode_FromString(text);
}

static PyObject *method_signature(Method *method, void *Py_UNUSED(closure)) {
    const char *begin = strchr(method->def->doc, '('), *end = strstr(method->def->doc, "\n--\n\n");
    if (begin == NULL || end == NULL) Py_RETURN_NONE;
    return PyUnicode_FromStringAndSize(begin, end - begin);
}

static PyObject *method_repr(Method *method) {
    PyObject *name = method_qualname(method, NULL);
    PyObject *repr = name ? PyUnicode_FromFormat("<coroutine method %U>", name) : NULL;
    Py_XDECREF(name);
    return repr;
}

static PyGetSetDef method_getset[] = {
    {"__name__", (getter)method_name, NULL, NULL, NULL},
    {"__qualname__", (getter)method_qualname, NULL, NULL, NULL},
    {"__module__", (getter)method_module, NULL, NULL, NULL},
    {"__doc__", (getter)method_doc, NULL, NULL, NULL},
    {"__text_signature__", (getter)method_signature, NULL, NULL, NULL},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {NULL},
};

static PyMemberDef method_members[] = {
    {"__objclass__", T_OBJECT, offsetof(Method, owner), READONLY, NULL},
    {"__dictoffset__", T_PYSSIZET, offsetof(Method, dict), READONLY, NULL},
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Method, call), READONLY, NULL},
    {NULL},
};

static PyType_Slot method_slots[] = {
    {Py_tp_dealloc, method_dealloc},
    {Py_tp_traverse, method_traverse},
    {Py_tp_clear, method_clear},
    {Py_tp_repr, method_repr},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_descr_get, method_get},
    {Py_tp_getset, method_getset},
    {Py_tp_members, method_members},
    {0, NULL},
};

static PyType_Spec method_spec = {
    "aiochan.core._speedups.method",
    sizeof(Method),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR |
        Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    method_slots,
};

static PyObject *method_new(State *st, const MethodDef *def, PyTypeObject *owner) {
    Method *method = PyObject_GC_New(Method, st->Method_type);
    if (method == NULL) return NULL;
    method->call = method_call;
    method->def = def;
    method->owner = (PyTypeObject *)Py_NewRef((PyObject *)owner);
    method->dict = NULL;
    PyObject_GC_Track(method);
    return (PyObject *)method;
}

/* Give a type its methods; who marks them is coroutine_function in ends.py. */
static int add_methods(State *st, PyTypeObject *owner, const MethodDef *def) {
    for (; def->name; def++) {
        PyObject *method = method_new(st, def, owner);
        PyObject *marked = method ? PyObject_CallOneArg(st->coroutine_function, method) : NULL;
        int failed = marked == NULL || PyObject_SetAttrString((PyObject *)owner, def->name, method) < 0;
        Py_XDECREF(method);
        Py_XDECREF(marked);
        if (failed) return -1;
    }
    return 0;
}
