using CapVault.Relayer.Chain;
using CapVault.Relayer.Http;
using CapVault.Sdk;

namespace CapVault.Relayer.Monitoring;

/// <summary>Routes for whoever starts and watches the process.</summary>
public static class HealthApi
{
    /// <summary>Maps <c>/health</c>, which needs no key.</summary>
    public static void MapHealth(this WebApplication app)
    {
        app.MapGet("/health/live", (HttpContext context) => Envelopes.Ok(context, new { status = "live" }));
        app.MapGet("/health/ready", async (HttpContext context, Readiness readiness, Follower follower) =>
        {
            var checks = await readiness.CheckAsync(context.RequestAborted);
            var failed = checks.Where(check => !check.Ok).ToList();
            if (failed.Count == 0)
            {
                return Envelopes.Ok(context, new { status = "ready", block = follower.Block, checks });
            }

            var isDraining = failed.Exists(check => check.Name == "draining");
            throw new ApiException(
                503,
                isDraining ? ErrorCodes.Maintenance : ErrorCodes.RelayerUnavailable,
                $"The relayer is not ready. {string.Join("; ", failed.Select(check => $"{check.Name}: {check.Problem}"))}. Wait a moment.",
                new { checks },
                retryable: true);
        });
    }

    /// <summary>
    /// Maps <c>/metrics</c>, for keys of the operator with the scope read. Not open to this machine either: behind a proxy on it, everybody's
    /// address is this machine's.
    /// </summary>
    public static void MapMetrics(this WebApplication app) => app.MapGroup("").RequireCaller().MapGet("/metrics", async (
        HttpContext context, PrometheusCollector collector, Gauges gauges) =>
    {
        context.Caller().RequireOperator();
        var text = new PrometheusText();
        await gauges.WriteAsync(text, context.RequestAborted);
        collector.Write(text);
        return Results.Text(text.ToString(), PrometheusText.ContentType);
    });
}
