// A C++ type that owns a std::vector<double>. While somebody has borrowed the numbers the vector can't grow, since
// that would move them: `acquire` and `release` count.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <interlane.h>

#include <new>
#include <vector>

namespace {

struct Numbers {
    std::vector<double> own;     // empty in a borrower
    const double *data = nullptr; // of the vector, or shared
    Py_ssize_t size = 0;
    Py_ssize_t users = 0;        // shares and buffers that are out
    PyObject *keeper = nullptr;  // whose the numbers are; nullptr: ours

    void refresh()
    {
        data = own.data();
        size = static_cast<Py_ssize_t>(own.size());
    }
};

struct Vector {
    PyObject_HEAD
    Numbers numbers;
};

Numbers &numbers_of(PyObject *object) { return reinterpret_cast<Vector *>(object)->numbers; }

// An empty object of the type, or nullptr with an exception set.
PyObject *allocate(PyTypeObject *type)
{
    PyObject *object = type->tp_alloc(type, 0);
    if (object != nullptr) {
        new (&numbers_of(object)) Numbers();
    }
    return object;
}

// --- how it is shared

Py_ssize_t acquire(PyObject *object, interlane_area *areas, void **)
{
    Numbers &numbers = numbers_of(object);
    areas[0].data = const_cast<double *>(numbers.data);
    areas[0].nbytes = numbers.size * static_cast<Py_ssize_t>(sizeof(double));
    areas[0].itemsize = sizeof(double);
    areas[0].format = "d";
    areas[0].readonly = 1;
    numbers.users++;
    return 1;
}

PyObject *rebuild(PyTypeObject *type, const interlane_area *areas, Py_ssize_t count, PyObject *keeper)
{
    if (count != 1 || areas[0].itemsize != sizeof(double) || areas[0].ndim != 1) {
        PyErr_SetString(PyExc_ValueError, "a vector is one area of doubles");
        return nullptr;
    }
    PyObject *object = allocate(type);
    if (object != nullptr) {
        Numbers &numbers = numbers_of(object);
        numbers.data = static_cast<const double *>(areas[0].data);
        numbers.size = areas[0].shape[0];
        Py_INCREF(keeper);
        numbers.keeper = keeper;
    }
    return object;
}

void release(PyObject *object, interlane_area *, Py_ssize_t, void *) { numbers_of(object).users--; }

const interlane_type table = {
    INTERLANE_TYPE_HEAD, "cpp_vector:Vector", 0, 1, acquire, rebuild, release,
};

// --- the type itself

PyObject *make(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static const char *names[] = {"numbers", nullptr};
    PyObject *given = nullptr;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O", const_cast<char **>(names), &given)) {
        return nullptr;
    }
    PyObject *object = allocate(type);
    PyObject *items = object != nullptr && given != nullptr ? PyObject_GetIter(given) : nullptr;
    if (items != nullptr) {
        Numbers &numbers = numbers_of(object);
        while (PyObject *item = PyIter_Next(items)) {
            double number = PyFloat_AsDouble(item);
            Py_DECREF(item);
            if (PyErr_Occurred()) {
                break;
            }
            try {
                numbers.own.push_back(number);
            } catch (const std::bad_alloc &) {
                PyErr_NoMemory();
                break;
            }
        }
        numbers.refresh();
        Py_DECREF(items);
    }
    if (PyErr_Occurred()) {
        Py_XDECREF(object);
        return nullptr;
    }
    return object;
}

void dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(numbers_of(self).keeper);
    numbers_of(self).~Numbers();
    type->tp_free(self);
    Py_DECREF(type);
}

PyObject *append(PyObject *self, PyObject *item)
{
    Numbers &numbers = numbers_of(self);
    double number = PyFloat_AsDouble(item);
    if (PyErr_Occurred()) {
        return nullptr;
    }
    if (numbers.keeper != nullptr || numbers.users > 0) {
        PyErr_SetString(PyExc_BufferError, "a vector that is shared can't grow");
        return nullptr;
    }
    try {
        numbers.own.push_back(number);
    } catch (const std::bad_alloc &) {
        return PyErr_NoMemory();
    }
    numbers.refresh();
    Py_RETURN_NONE;
}

PyObject *sum(PyObject *self, PyObject *)
{
    const Numbers &numbers = numbers_of(self);
    double total = 0;
    for (Py_ssize_t i = 0; i < numbers.size; i++) {
        total += numbers.data[i];
    }
    return PyFloat_FromDouble(total);
}

Py_ssize_t length(PyObject *self) { return numbers_of(self).size; }

int getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    static char format[] = "d";
    static Py_ssize_t stride = sizeof(double);
    Numbers &numbers = numbers_of(self);
    Py_ssize_t nbytes = numbers.size * stride;
    if (PyBuffer_FillInfo(view, self, const_cast<double *>(numbers.data), nbytes, 1, flags) < 0) {
        return -1;
    }
    view->itemsize = stride;
    if ((flags & PyBUF_FORMAT) == PyBUF_FORMAT) {
        view->format = format;
    }
    if ((flags & PyBUF_ND) == PyBUF_ND) {
        view->shape = &numbers.size;
    }
    if ((flags & PyBUF_STRIDES) == PyBUF_STRIDES) {
        view->strides = &stride;
    }
    numbers.users++;
    return 0;
}

void releasebuffer(PyObject *self, Py_buffer *) { numbers_of(self).users--; }

PyMethodDef methods[] = {
    {"append", append, METH_O, "append($self, number, /)\n--\n\nAdd a number, unless others use the vector."},
    {"sum", sum, METH_NOARGS, "sum($self, /)\n--\n\nReturn the sum of the numbers."},
    {nullptr, nullptr, 0, nullptr},
};

template <typename Function> void *slot(Function *function) { return reinterpret_cast<void *>(function); }

PyType_Slot type_slots[] = {
    {Py_tp_new, slot(make)},
    {Py_tp_dealloc, slot(dealloc)},
    {Py_tp_methods, methods},
    {Py_sq_length, slot(length)},
    {Py_bf_getbuffer, slot(getbuffer)},
    {Py_bf_releasebuffer, slot(releasebuffer)},
    {0, nullptr},
};

PyType_Spec spec = {"cpp_vector.Vector", sizeof(Vector), 0, Py_TPFLAGS_DEFAULT, type_slots};

int execute(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &spec, nullptr);
    int answer = -1;
    if (type != nullptr && interlane_export_type(reinterpret_cast<PyTypeObject *>(type), &table) == 0) {
        answer = PyModule_AddType(module, reinterpret_cast<PyTypeObject *>(type));
    }
    Py_XDECREF(type);
    return answer;
}

PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, slot(execute)},
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
    {0, nullptr},
};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "cpp_vector", "Numbers that interpreters share.", 0, nullptr, module_slots,
    nullptr, nullptr, nullptr,
};

} // namespace

PyMODINIT_FUNC PyInit_cpp_vector(void) { return PyModuleDef_Init(&definition); }
