#include "booster.h"
#include "soma_team.h"
#include <math.h>
#include <stddef.h>

typedef struct differentiation {
    soma_booster *booster;
    soma_boost_loss loss;
    int outputs;
    const double *raw, *targets, *weights;
} differentiation;

/// log Σ exp of the sums of a row.
static double log_sum(const double *raw, int outputs) {
    double greatest = raw[0], sum = 0;
    for (int k = 1; k < outputs; k++) { greatest = raw[k] > greatest ? raw[k] : greatest; }
    for (int k = 0; k < outputs; k++) { sum += exp(raw[k] - greatest); }
    return greatest + log(sum);
}

static void set_derivatives(const differentiation *d, long row, int output, double probability, bool is_target) {
    long at = output * d->booster->bins->rows + row;
    double weight = d->weights != NULL ? d->weights[row] : 1;
    d->booster->gradients[at] = (float)((probability - is_target) * weight);
    d->booster->hessians[at] = (float)(probability * (1 - probability) * weight);
}

static void differentiate(long begin, long end, int part, void *context) {
    (void)part;
    const differentiation *d = context;
    for (long row = begin; row < end; row++) {
        const double *raw = d->raw + row * d->outputs;
        double target = d->targets[row];
        switch (d->loss) {
        case SOMA_SQUARED_ERROR: {
            double weight = d->weights != NULL ? d->weights[row] : 1;
            d->booster->gradients[row] = (float)((raw[0] - target) * weight);
            if (d->booster->has_hessians) { d->booster->hessians[row] = (float)weight; }
            break;
        }
        case SOMA_LOGISTIC: set_derivatives(d, row, 0, 1 / (1 + exp(-raw[0])), target == 1); break;
        case SOMA_SOFTMAX: {
            double normalizer = log_sum(raw, d->outputs);
            for (int k = 0; k < d->outputs; k++) { set_derivatives(d, row, k, exp(raw[k] - normalizer), target == k); }
            break;
        }
        }
    }
}

void soma_booster_differentiate(soma_booster *booster, soma_boost_loss loss, const double *raw, const double *targets, const double *weights) {
    differentiation d = {booster, loss, booster->outputs, raw, targets, weights};
    booster->has_hessians = loss != SOMA_SQUARED_ERROR || weights != NULL;
    soma_parallel_for(booster->bins->rows, 2048, differentiate, &d);
}

double soma_boost_loss_of(soma_boost_loss loss, int outputs, const double *raw, const double *targets, const double *weights, long rows) {
    double sum = 0, all = 0;
    for (long row = 0; row < rows; row++) {
        const double *x = raw + row * outputs;
        double weight = weights != NULL ? weights[row] : 1, difference = x[0] - targets[row], term = 0;
        switch (loss) {
        case SOMA_SQUARED_ERROR: term = difference * difference / 2; break;
        case SOMA_LOGISTIC: term = fmax(x[0], 0) + log1p(exp(-fabs(x[0]))) - targets[row] * x[0]; break;
        case SOMA_SOFTMAX: term = log_sum(x, outputs) - x[(int)targets[row]]; break;
        }
        sum += weight * term, all += weight;
    }
    return sum / all;
}
