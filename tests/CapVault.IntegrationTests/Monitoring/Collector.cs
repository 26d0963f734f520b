using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CapVault.IntegrationTests;

/// <summary>A span as it arrived.</summary>
internal sealed record Span(string TraceId, string SpanId, string ParentId, string Name, ulong Start, ulong End, IReadOnlyDictionary<string, string> Tags);

/// <summary>An OpenTelemetry collector: takes OTLP over HTTP and keeps it.</summary>
internal sealed class Collector : IAsyncDisposable
{
    private readonly ConcurrentQueue<Span> _spans = new();
    private readonly StringBuilder _raw = new();
    private readonly WebApplication _app;

    private Collector()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.MapPost("/v1/traces", TakeAsync);
    }

    public string Url => _app.Urls.Single();

    public IReadOnlyList<Span> Spans => [.. _spans];

    /// <summary>All bytes that came, as text.</summary>
    public string Raw
    {
        get
        {
            lock (_raw)
            {
                return _raw.ToString();
            }
        }
    }

    public static async Task<Collector> StartAsync()
    {
        var collector = new Collector();
        await collector._app.StartAsync();
        return collector;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task TakeAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        var bytes = body.ToArray();
        lock (_raw)
        {
            _raw.Append(Encoding.Latin1.GetString(bytes));
        }

        // ExportTraceServiceRequest.resource_spans / ResourceSpans.scope_spans / ScopeSpans.spans
        foreach (var span in Messages(bytes, 1).SelectMany(resource => Messages(resource, 2)).SelectMany(scope => Messages(scope, 2)))
        {
            _spans.Enqueue(Read(span));
        }

        context.Response.ContentType = "application/x-protobuf";
    }

    private static Span Read(byte[] span) => new(
        Convert.ToHexStringLower(Messages(span, 1).Single()),
        Convert.ToHexStringLower(Messages(span, 2).Single()),
        Convert.ToHexStringLower(Messages(span, 4).SingleOrDefault() ?? []),
        Encoding.UTF8.GetString(Messages(span, 5).Single()),
        BitConverter.ToUInt64(Messages(span, 7).Single()),
        BitConverter.ToUInt64(Messages(span, 8).Single()),
        Messages(span, 9).ToDictionary(tag => Encoding.UTF8.GetString(Messages(tag, 1).Single()), tag => Value(Messages(tag, 2).Single()), StringComparer.Ordinal));

    private static string Value(byte[] value) => Messages(value, 1).SingleOrDefault() is { } text
        ? Encoding.UTF8.GetString(text)
        : BitConverter.ToUInt64(Messages(value, 3).Single()).ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The fields of a protobuf message with this number: bytes as they are, numbers as 8 bytes.</summary>
    private static List<byte[]> Messages(byte[] message, int number)
    {
        var found = new List<byte[]>();
        var at = 0;
        while (at < message.Length)
        {
            var key = Varint();
            var field = (key & 7) switch
            {
                0 => BitConverter.GetBytes(Varint()),
                1 => Take(8),
                2 => Take((int)Varint()),
                5 => Take(4),
                var kind => throw new InvalidDataException($"Field of kind {kind}."),
            };
            if (key >> 3 == (ulong)number)
            {
                found.Add(field);
            }
        }

        return found;

        byte[] Take(int length) => message[at..(at += length)];

        ulong Varint()
        {
            ulong value = 0;
            for (var shift = 0; ; shift += 7)
            {
                value |= (ulong)(message[at] & 127) << shift;
                if (message[at++] < 128)
                {
                    return value;
                }
            }
        }
    }
}
