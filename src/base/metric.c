#include "base/metric.h"

const struct metric_info metric_infos[METRIC_COUNT] = {
#define METRIC_INFO(name, series, help) {series, help},
    METRIC_LIST(METRIC_INFO)
#undef METRIC_INFO
};
