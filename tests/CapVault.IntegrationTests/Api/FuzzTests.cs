using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>
/// Whatever comes, over whichever route: never a 5xx, a leak, a hang or an error of another shape; and what is refused leaves nothing behind.
/// How to run more of it: <see cref="Fuzz"/>.
/// </summary>
public sealed partial class FuzzTests(WorldSandbox sandbox) : IClassFixture<WorldSandbox>
{
    /// <summary>What only the insides of this relayer would say.</summary>
    private static readonly string[] Insides =
        ["Exception", "System.", "Microsoft.", "Nethereum", "CapVault.", "SQLite", "LineNumber", "BytePosition", "Path: $", "SELECT ", "INSERT ", " FROM ", Path.GetTempPath(), Repository.Root];

    private readonly World _world = sandbox.World;
    private readonly RawHttp _http = new(sandbox.Relayer.Url);

    [Fact]
    public async Task Bad_bodies_are_refused()
    {
        var routes = Routes.All.Where(route => route.IsJson).ToList();

        await Fuzz.RunAsync(600, random =>
        {
            var route = random.Of(routes);
            return JudgeAsync(route, Request(route, BadJson.Of(_world.Fill(route.Body!), random)), isHttp: true);
        });

        await StillServesAsync();
    }

    [Fact]
    public async Task Bad_addresses_are_refused()
    {
        await Fuzz.RunAsync(600, random =>
        {
            var route = random.Of(Routes.All);
            return JudgeAsync(route, BadHttp.Target(Request(route), route.Path, random), isHttp: false);
        });

        await StillServesAsync();
    }

    [Fact]
    public async Task Bad_headers_and_lengths_are_refused()
    {
        await Fuzz.RunAsync(600, random =>
        {
            var route = random.Of(Routes.All);
            var request = Request(route);
            request = route.Body is not null && random.OnceIn(3) ? BadHttp.Frame(request, random) : BadHttp.Head(request, _world.Stranger.Key, random);
            return JudgeAsync(route, request, isHttp: false);
        });

        await StillServesAsync();
    }

    [Fact]
    public async Task Bad_uploads_are_refused()
    {
        var route = Routes.All.Single(route => route.Method == "PUT");
        var cases = 0;
        var uploader = _world.Stranger;

        await Fuzz.RunAsync(150, async random =>
        {
            if (++cases % 500 == 0)
            {
                // An agent may have so many.
                uploader = await sandbox.NewAgentAsync("uploader");
            }

            var content = new byte[random.Of(0, 1, 3, 1000, 100_000)];
            random.NextBytes(content);
            var size = random.OnceIn(3) ? (int?)random.Of(0, content.Length, content.Length + 1, 67_108_864) : null;
            var hash = random.OnceIn(3) ? "0x" + new string('0', 64) : null;
            var link = new Uri((await _world.NewUploadAsync(uploader, new { fileName = "a.bin", size, keccak256 = hash })).UploadUrl);
            var request = RawRequest.Of("PUT", link.PathAndQuery, key: null, content, contentType: "application/octet-stream");
            await JudgeAsync(
                route,
                random.Next(5) switch
                {
                    0 => BadHttp.Head(request, _world.Stranger.Key, random),
                    1 => BadHttp.Target(request, route.Path, random),
                    _ => BadHttp.Frame(request, random),
                },
                isHttp: false);
        });

        await StillServesAsync();
    }

    [Fact]
    public async Task Whoever_does_not_finish_a_request_holds_nobody_up()
    {
        var waiting = new List<TcpClient>();
        try
        {
            foreach (var beginning in (string[])["", "GET", "GET /api/v1/config HTTP/1.1\r\nHost: localhost\r\n", "POST /api/v1/orders/negotiate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 50\r\n"
                + $"X-SDK-Key: {_world.Pair.Requester.Key}\r\n\r\n{{"])
            {
                for (var i = 0; i < 50; i++)
                {
                    var client = new TcpClient();
                    waiting.Add(client);
                    await client.ConnectAsync("127.0.0.1", new Uri(sandbox.Relayer.Url).Port);
                    await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(beginning));
                }
            }

            await StillServesAsync();
        }
        finally
        {
            waiting.ForEach(client => client.Dispose());
        }
    }

    private RawRequest Request(Route route, byte[]? body = null)
    {
        body ??= route.Body is null ? null : Encoding.UTF8.GetBytes(_world.Fill(route.Body));
        var request = RawRequest.Of(route.Method, _world.Fill(route.Path), _world.KeyOf(route.User), body);
        return route.IsSocket ? request.AsHandshake() : request;
    }

    /// <summary>Sends a request and looks at the answer.</summary>
    /// <param name="route">The route that it was made for.</param>
    /// <param name="request">The request.</param>
    /// <param name="isHttp">Whether it is good HTTP: what is not may be refused below the API, without a body.</param>
    private async Task JudgeAsync(Route route, RawRequest request, bool isHttp)
    {
        var rows = await sandbox.CountRowsAsync();
        try
        {
            var reply = await _http.SendAsync(request);
            if (reply is null)
            {
                isHttp.Should().BeFalse("an answer is due");
                return;
            }

            Judge(request, reply, isHttp);
            if (reply.Status < 400)
            {
                await _world.RefreshAsync(route);
            }
            else
            {
                (await sandbox.CountRowsAsync()).Should().Equal(rows, "what is refused leaves nothing behind");
            }
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"{route}: {exception.Message}\nThe request was:\n{Cut(Encoding.Latin1.GetString(request.ToBytes()))}", exception);
        }
    }

    private void Judge(RawRequest request, RawReply reply, bool isHttp)
    {
        reply.Status.Should().BeLessThan(500, reply.Body);
        reply.Header("X-Evil").Should().BeNull();
        var text = string.Join('\n', reply.Headers) + reply.Body;
        foreach (var inside in Insides)
        {
            text.Should().NotContain(inside);
        }

        StackTrace().IsMatch(text).Should().BeFalse(text);
        foreach (var secret in _world.Secrets)
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

    private async Task StillServesAsync()
    {
        await sandbox.Setup.FaucetAsync(_world.Pair.Requester.Wallet, "1.00");
        (await _world.Pair.CompleteOrderAsync()).Status.Should().Be(OrderStatus.Completed);
    }

    private static string Cut(string text) => text.Length > 3000 ? $"{text[..1500]} … {text.Length} characters … {text[^500..]}" : text;

    [GeneratedRegex(@"^\s+at [\w.]+", RegexOptions.Multiline, 1000)]
    private static partial Regex StackTrace();
}
