using System.Diagnostics;
using CapVault.Relayer.Http;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace CapVault.Relayer.Monitoring;

/// <summary>
/// Traces: a request, the operation that it promised, the bundle that carried it and the block that included it. Nothing is traced unless somebody
/// listens. Of a request only the route is told, never the address: a query may hold a key.
/// </summary>
public static class Traces
{
    /// <summary>Of all spans.</summary>
    public static ActivitySource Source { get; } = new("CapVault.Relayer");

    /// <summary>What a row keeps of the running trace (W3C traceparent); null where nobody listens, or this one was not sampled.</summary>
    public static string? Parent => Activity.Current is { Recorded: true, IdFormat: ActivityIdFormat.W3C } span && span.Source == Source ? span.Id : null;

    /// <summary>Sends spans to the collector that the options name. Sampling and the rest are set by OpenTelemetry's own variables (<c>OTEL_…</c>).</summary>
    public static IServiceCollection AddTraces(this IServiceCollection services, RelayerOptions options) => options.OtlpEndpoint.Length == 0
        ? services
        : services.AddSingleton(_ => OpenTelemetry.Sdk.CreateTracerProviderBuilder()
            .ConfigureResource(resource => resource.AddService("capvault-relayer"))
            .AddSource(Source.Name)
            .AddOtlpExporter(exporter =>
            {
                exporter.Protocol = OtlpExportProtocol.HttpProtobuf;
                exporter.Endpoint = new Uri(options.OtlpEndpoint.TrimEnd('/') + "/v1/traces");
            })
            .Build());

    /// <summary>A span for each request, below the caller's where it names one.</summary>
    public static void UseTraces(this WebApplication app)
    {
        // Made with the first one who asks: nobody else does.
        _ = app.Services.GetService<TracerProvider>();
        app.Use(async (context, next) =>
        {
            // The framework's own span is not sent: as a parent it would be missing.
            Activity.Current = null;
            _ = ActivityContext.TryParse(context.Request.Headers.TraceParent, null, isRemote: true, out var parent);
            using var span = Source.StartActivity(context.Request.Method, ActivityKind.Server, parent);
            await next(context);
            if (span is not null)
            {
                Describe(span, context);
            }
        });
    }

    private static void Describe(Activity span, HttpContext context)
    {
        var route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText;
        span.DisplayName = route is null ? context.Request.Method : $"{context.Request.Method} {route}";
        span.SetTag("http.request.method", context.Request.Method);
        span.SetTag("http.route", route);
        span.SetTag("http.response.status_code", context.Response.StatusCode);
        span.SetTag("capvault.request_id", Envelopes.RequestId(context));
        if (context.Items[typeof(Caller)] is Caller caller)
        {
            span.SetTag("capvault.caller", caller.AgentId ?? caller.KeyId);
        }

        if (context.Response.StatusCode >= 500)
        {
            span.SetStatus(ActivityStatusCode.Error);
        }
    }
}
