/* Its entry has the name that C++ makes of it, since anchorhold.h does not declare it here. */
struct ah_plugin;

__attribute__((visibility("default"))) const ah_plugin *anchorhold_plugin_v1(void)
{
    return nullptr;
}
