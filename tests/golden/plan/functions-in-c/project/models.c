#include <corrie/model.h>
