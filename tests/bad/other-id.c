/* The table names another id than the manifest. */
#define PLUGIN_ID "org.example.other"
#include "common.h"
