/* An image in C: three planes, which are three areas. Luma has the full size, the two chroma planes half of it in
 * each direction. Whoever borrows an image reads the owner's own pixels. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <interlane.h>

typedef struct {
    PyObject_HEAD
    uint8_t *planes[3];
    Py_ssize_t shape[3][2]; /* rows, columns */
    Py_ssize_t luma_strides[2];
    Py_ssize_t shares;      /* how often `acquire` has been called and `release` not yet */
    PyObject *keeper;       /* whose the pixels are; NULL: ours */
    int readonly;
} Image;

/* --- how it is shared */

static Py_ssize_t
image_acquire(PyObject *object, interlane_area *areas, void **Py_UNUSED(state))
{
    Image *image = (Image *)object;
    for (int i = 0; i < 3; i++) {
        areas[i].data = image->planes[i];
        areas[i].nbytes = image->shape[i][0] * image->shape[i][1];
        areas[i].ndim = 2;
        areas[i].shape = image->shape[i];
        areas[i].readonly = image->readonly;
    }
    image->shares++;
    return 3;
}

static PyObject *
image_rebuild(PyTypeObject *type, const interlane_area *areas, Py_ssize_t count, PyObject *keeper)
{
    if (count != 3) {
        return PyErr_Format(PyExc_ValueError, "an image has 3 planes, not %zd", count);
    }
    for (int i = 0; i < 3; i++) {
        if (areas[i].ndim != 2 || areas[i].itemsize != 1) {
            return PyErr_Format(PyExc_ValueError, "plane %d is not one of bytes", i);
        }
    }
    Image *image = (Image *)type->tp_alloc(type, 0);
    if (image == NULL) {
        return NULL;
    }
    for (int i = 0; i < 3; i++) {
        image->planes[i] = areas[i].data;
        image->shape[i][0] = areas[i].shape[0];
        image->shape[i][1] = areas[i].shape[1];
        image->readonly |= areas[i].readonly;
    }
    image->luma_strides[0] = areas[0].shape[1];
    image->luma_strides[1] = 1;
    Py_INCREF(keeper);
    image->keeper = keeper;
    return (PyObject *)image;
}

static void
image_release(PyObject *object, interlane_area *Py_UNUSED(areas), Py_ssize_t Py_UNUSED(count), void *Py_UNUSED(state))
{
    ((Image *)object)->shares--;
}

static const interlane_type image_table = {
    INTERLANE_TYPE_HEAD, "c_image:Image", 0, 3, image_acquire, image_rebuild, image_release,
};

/* --- the type itself */

static PyObject *
image_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"width", "height", NULL};
    Py_ssize_t width, height;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "nn", names, &width, &height)) {
        return NULL;
    }
    if (width < 0 || height < 0 || (height != 0 && width > PY_SSIZE_T_MAX / height)) {
        return PyErr_Format(PyExc_ValueError, "no image has %zd x %zd pixels", width, height);
    }
    Image *image = (Image *)type->tp_alloc(type, 0);
    if (image == NULL) {
        return NULL;
    }
    image->luma_strides[0] = width;
    image->luma_strides[1] = 1;
    for (int i = 0; i < 3; i++) {
        image->shape[i][0] = i == 0 ? height : height - height / 2;
        image->shape[i][1] = i == 0 ? width : width - width / 2;
        image->planes[i] = PyMem_RawCalloc((size_t)image->shape[i][0], (size_t)image->shape[i][1]);
        if (image->planes[i] == NULL) {
            Py_DECREF(image);
            return PyErr_NoMemory();
        }
    }
    return (PyObject *)image;
}

static void
image_dealloc(PyObject *self)
{
    Image *image = (Image *)self;
    PyTypeObject *type = Py_TYPE(self);
    if (image->keeper != NULL) {
        Py_DECREF(image->keeper);
    }
    else {
        for (int i = 0; i < 3; i++) {
            PyMem_RawFree(image->planes[i]);
        }
    }
    type->tp_free(self);
    Py_DECREF(type);
}

static int
find(Image *image, Py_ssize_t plane, Py_ssize_t x, Py_ssize_t y, uint8_t **pixel)
{
    if (plane < 0 || plane > 2 || y < 0 || y >= image->shape[plane][0] || x < 0 || x >= image->shape[plane][1]) {
        PyErr_Format(PyExc_IndexError, "no pixel %zd, %zd in plane %zd", x, y, plane);
        return -1;
    }
    *pixel = image->planes[plane] + y * image->shape[plane][1] + x;
    return 0;
}

static PyObject *
image_get(PyObject *self, PyObject *args)
{
    Py_ssize_t plane, x, y;
    uint8_t *pixel;
    if (!PyArg_ParseTuple(args, "nnn", &plane, &x, &y) || find((Image *)self, plane, x, y, &pixel) < 0) {
        return NULL;
    }
    return PyLong_FromLong(*pixel);
}

static PyObject *
image_set(PyObject *self, PyObject *args)
{
    Image *image = (Image *)self;
    Py_ssize_t plane, x, y;
    uint8_t value, *pixel;
    if (!PyArg_ParseTuple(args, "nnnb", &plane, &x, &y, &value) || find(image, plane, x, y, &pixel) < 0) {
        return NULL;
    }
    if (image->readonly) {
        PyErr_SetString(PyExc_TypeError, "the image is read-only");
        return NULL;
    }
    *pixel = value;
    Py_RETURN_NONE;
}

static PyObject *
image_size(PyObject *self, void *Py_UNUSED(closure))
{
    Image *image = (Image *)self;
    return Py_BuildValue("nn", image->shape[0][1], image->shape[0][0]);
}

static PyObject *
image_shares(PyObject *self, void *Py_UNUSED(closure))
{
    return PyLong_FromSsize_t(((Image *)self)->shares);
}

/* The buffer of an image is its luma plane. */
static int
image_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    Image *image = (Image *)self;
    Py_ssize_t *shape = image->shape[0];
    if (PyBuffer_FillInfo(view, self, image->planes[0], shape[0] * shape[1], image->readonly, flags) < 0) {
        return -1;
    }
    if ((flags & PyBUF_ND) == PyBUF_ND) {
        view->ndim = 2;
        view->shape = shape;
        view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? image->luma_strides : NULL;
    }
    return 0;
}

static PyMethodDef image_methods[] = {
    {"get", image_get, METH_VARARGS, "get($self, plane, x, y, /)\n--\n\nReturn a pixel."},
    {"set", image_set, METH_VARARGS, "set($self, plane, x, y, value, /)\n--\n\nSet a pixel."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef image_getset[] = {
    {"size", image_size, NULL, "Width and height.", NULL},
    {"shares", image_shares, NULL, "How many shares of the image are out.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot image_slots[] = {
    {Py_tp_doc, "Image(width, height)\n--\n\nAn image with a luma plane and two chroma planes of half its size."},
    {Py_tp_new, (void *)image_new},
    {Py_tp_dealloc, (void *)image_dealloc},
    {Py_tp_methods, image_methods},
    {Py_tp_getset, image_getset},
    {Py_bf_getbuffer, (void *)image_getbuffer},
    {0, NULL},
};

static PyType_Spec image_spec = {
    "c_image.Image", sizeof(Image), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, image_slots,
};

/* --- the module */

static int
execute(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &image_spec, NULL);
    int answer = -1;
    if (type != NULL && interlane_export_type((PyTypeObject *)type, &image_table) == 0) {
        answer = PyModule_AddType(module, (PyTypeObject *)type);
    }
    Py_XDECREF(type);
    return answer;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, (void *)execute},
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "c_image", "An image that interpreters share.", 0, NULL, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC
PyInit_c_image(void)
{
    return PyModuleDef_Init(&definition);
}
