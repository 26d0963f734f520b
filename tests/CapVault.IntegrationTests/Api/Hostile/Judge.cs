using System.Text;
using System.Text.RegularExpressions;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>Sends bad requests, and looks at what comes back and at what has stayed.</summary>
internal sealed partial class Judge(World world)
{
    /// <summary>What only the insides of this relayer would say.</summary>
    public static readonly string[] Insides =
        ["Exception", "System.", "Microsoft.", "Nethereum", "CapVault.", "SQLite", "LineNumber", "BytePosition", "Path: $", "SELECT ", "INSERT ", " FROM ", Path.GetTempPath(), Repository.Root];

    private readonly RawHttp _http = new(world.Sandbox.Relayer.Url);

    /// <summary>A good request over a route, or one with another body.</summary>
    public RawRequest Request(Route route, byte[]? body = null)
    {
        body ??= route.Body is null ? null : Encoding.UTF8.GetBytes(world.Fill(route.Body));
        var request = RawRequest.Of(route.Method, world.Fill(route.Path), world.KeyOf(route.User), body);
        return route.IsSocket ? request.AsHandshake() : request;
    }

    /// <summary>Sends a request and looks at the answer.</summary>
    /// <param name="route">The route that it was made for.</param>
    /// <param name="request">The request.</param>
    /// <param name="isHttp">Whether it is good HTTP: what is not may be refused below the API, without a body.</param>
    public async Task SendAsync(Route route, RawRequest request, bool isHttp)
    {
        var rows = await world.Sandbox.CountRowsAsync();
        try
        {
            var reply = await _http.SendAsync(request);
            if (reply is null)
            {
                isHttp.Should().BeFalse("an answer is due");
                return;
            }

            Check(request, reply, isHttp);
            if (reply.Status < 400)
            {
                await world.RefreshAsync(route);
            }
            else
            {
                (await world.Sandbox.CountRowsAsync()).Should().Equal(rows, "what is refused leaves nothing behind");
            }
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"{route}: {exception.Message}\nThe request was:\n{Cut(Encoding.Latin1.GetString(request.ToBytes()))}", exception);
        }
    }

    private void Check(RawRequest request, RawReply reply, bool isHttp)
    {
        // While a block is on its way, this route says just that.
        var isHonest = reply.Status == 503 && PathOf(request) == "/health/ready";
        (reply.Status < 500 || isHonest).Should().BeTrue($"{reply.Status} {reply.Body}");
        reply.Header("X-Evil").Should().BeNull();
        var text = string.Join('\n', reply.Headers) + reply.Body;
        foreach (var inside in Insides)
        {
            text.Should().NotContain(inside);
        }

        StackTrace().IsMatch(text).Should().BeFalse(text);
        foreach (var secret in world.Secrets)
        {
            text.Should().NotContain(secret[^43..]);
        }

        var isBare = reply.Bytes.Length == 0 && reply.Header("Connection") == "close" && reply.Header("X-Request-ID") is null;
        if (reply.Status < 400 || request.Method == "HEAD" || (!isHttp && isBare))
        {
            return;
        }

        ErrorAnswer.Read(PathOf(request), reply);
        reply.Bytes.Length.Should().BeLessThan(4096, "what came is not thrown back");
    }

    // Where it arrived, after all detours: the shape of the error depends on it.
    private static string PathOf(RawRequest request) =>
        Uri.TryCreate(request.Target.StartsWith('/') ? "http://localhost" + request.Target : request.Target, UriKind.Absolute, out var uri)
            ? Uri.UnescapeDataString(uri.AbsolutePath)
            : request.Target;

    /// <summary>Makes sure that a whole order goes through.</summary>
    public async Task StillServesAsync()
    {
        await world.Sandbox.Setup.FaucetAsync(world.Pair.Requester.Wallet, "1.00");
        (await world.Pair.CompleteOrderAsync()).Status.Should().Be(OrderStatus.Completed);
    }

    private static string Cut(string text) => text.Length > 3000 ? $"{text[..1500]} … {text.Length} characters … {text[^500..]}" : text;

    [GeneratedRegex(@"^\s+at [\w.]+", RegexOptions.Multiline, 1000)]
    private static partial Regex StackTrace();
}
