using System.Text.Json;
using CapVault.Sdk;
using Microsoft.AspNetCore.Http;
using Nethereum.Hex.HexConvertors.Extensions;
using static CapVault.Tests.Sdk.ScriptedApi;

namespace CapVault.Tests.Sdk;

/// <summary>Files and a relayer that is not to be trusted, or not there.</summary>
public class FileTests
{
    private const string Key = "croo_sk_000000000000000000_secret";
    private const string ObjectKey = "obj_000000000000000000000";

    private static readonly byte[] Content = "the content"u8.ToArray();

    private static readonly StoredObject Stored = new()
    {
        ObjectKey = ObjectKey,
        Name = "a.txt",
        Size = Content.Length,
        ContentType = "text/plain",
        Keccak256 = DeliverableHash.Keccak256(Content).ToHex(prefix: true),
    };

    [Fact]
    public async Task An_upload_that_breaks_off_is_sent_again_from_where_the_stream_stood()
    {
        var bodies = new List<string>();
        await using var api = await StartAsync(UploadTo, Cut(), Error(503, "RELAYER_UNAVAILABLE"), Error(409, "INVALID_STATE"));
        await using var second = await StartAsync(UploadTo, Cut(), KeepBody(bodies, Error(503, "RELAYER_UNAVAILABLE")), KeepBody(bodies, Data(Stored)));
        using var client = Client(second);
        var stream = new MemoryStream([1, 2, 3, .. Content]) { Position = 3 };

        (await client.UploadFileAsync("a.txt", stream)).Should().Be(ObjectKey);

        bodies.Should().Equal("the content", "the content");
        second.Requests.Skip(1).Should().OnlyContain(request => request == "PUT /link?signature=s");
        var refused = await Client(api).Invoking(c => c.UploadFileAsync("a.txt", new MemoryStream(Content))).Should().ThrowAsync<CapApiException>();
        refused.Which.Code.Should().Be("INVALID_STATE", "what is refused for good is not repeated");
    }

    [Fact]
    public async Task A_stream_that_cannot_be_wound_back_is_sent_once()
    {
        await using var api = await StartAsync(UploadTo, Error(503, "RELAYER_UNAVAILABLE"));
        using var client = Client(api);

        await client.Invoking(c => c.UploadFileAsync("a.txt", new Forward(Content))).Should().ThrowAsync<CapApiException>();

        api.Requests.Should().HaveCount(2);
    }

    public static TheoryData<StoredObject> Lies() =>
    [
        Stored with { Keccak256 = "0x" + new string('0', 64) },
        Stored with { Size = 10 },
        Stored with { Name = "b.txt" },
        Stored with { ObjectKey = "obj_000000000000000000001" },
        Stored with { ContentType = "text/html" },
    ];

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task A_relayer_that_records_something_else_is_found_out(StoredObject recorded)
    {
        await using var api = await StartAsync(UploadTo, Data(recorded));
        using var client = Client(api);

        var uploading = () => client.UploadFileAsync("a.txt", new MemoryStream(Content), "text/plain");

        (await uploading.Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be(ErrorCodes.ContentHashMismatch);
    }

    [Theory]
    [InlineData("the c0ntent")]
    [InlineData("the conten")]
    [InlineData("the content and more")]
    [InlineData("")]
    public async Task Bytes_that_are_not_those_of_the_manifest_are_found_out(string sent)
    {
        await using var api = await StartAsync(DownloadFrom(Stored), context => context.Response.WriteAsync(sent));
        using var client = Client(api);

        (await client.Invoking(c => c.DownloadFileAsync(Stored, new MemoryStream())).Should().ThrowAsync<CapApiException>())
            .Which.Code.Should().Be(ErrorCodes.ContentHashMismatch);
    }

    [Fact]
    public async Task What_the_relayer_says_of_a_file_does_not_count_beside_the_manifest()
    {
        var other = "other bytes"u8.ToArray();
        await using var api = await StartAsync(
            DownloadFrom(Stored with { Keccak256 = DeliverableHash.Keccak256(other).ToHex(prefix: true) }), context => context.Response.Body.WriteAsync(other).AsTask());
        using var client = Client(api);

        await client.Invoking(c => c.DownloadFileAsync(Stored, new MemoryStream())).Should().ThrowAsync<CapApiException>();
    }

    [Fact]
    public async Task A_download_begins_again_only_while_nothing_has_come()
    {
        var copy = new Watched();
        await using var api = await StartAsync(DownloadFrom(Stored), Cut(), async context =>
        {
            context.Response.ContentLength = Content.Length;
            await context.Response.Body.WriteAsync(Content.AsMemory(0, 4));
            await context.Response.Body.FlushAsync();
            await copy.Written;
            context.Abort();
        });
        using var client = Client(api);

        var broken = (await client.Invoking(c => c.DownloadFileAsync(Stored, copy)).Should().ThrowAsync<CapApiException>()).Which;

        broken.Should().BeEquivalentTo(new { Code = ErrorCodes.RelayerUnavailable, Retryable = true });
        broken.ToString().Should().NotContain("signature=", "a link is a secret");
        api.Requests.Should().HaveCount(3);
        copy.ToArray().Should().Equal(Content[..4]);
    }

    [Fact]
    public async Task A_page_instead_of_an_answer_does_not_put_the_link_into_a_message()
    {
        await using var api = await StartAsync(DownloadFrom(Stored), Page(404, "<h1>Not here</h1>"));
        using var client = Client(api);

        var error = (await client.Invoking(c => c.DownloadFileAsync(Stored, new MemoryStream())).Should().ThrowAsync<CapApiException>()).Which;

        error.Code.Should().Be(CapApiException.UnexpectedResponse);
        error.Message.Should().NotContain("signature=");
    }

    public static TheoryData<string, string> Deliveries()
    {
        var manifest = new DeliveryManifest { Version = 1, Text = "see file", Files = [Stored] };
        var good = new Delivery
        {
            OrderId = Samples.OrderId,
            DeliverableType = DeliverableType.Text,
            DeliverableText = "see file",
            ContentHash = DeliverableHash.Of(manifest).ToHex(prefix: true),
            HashScheme = HashScheme.Manifest,
            Manifest = manifest,
            Status = "accepted",
            SubmittedAt = DateTimeOffset.UnixEpoch,
        };
        var ofText = DeliverableHash.Of(DeliverableType.Text, "see file", schema: null).ToHex(prefix: true);
        return new TheoryData<string, string>
        {
            { "good", Json(good) },
            { "another file", Json(good with { Manifest = manifest with { Files = [Stored with { Size = 12 }] } }) },
            { "another text beside it", Json(good with { DeliverableText = "see other file" }) },
            { "a value beside it", Json(good with { DeliverableSchema = JsonSerializer.SerializeToElement(1) }) },
            { "no manifest", Json(good with { Manifest = null }) },
            { "a manifest beside the hash of the text", Json(good with { ContentHash = ofText }) },
            { "a manifest that no hash covers", Json(good with { ContentHash = ofText, HashScheme = HashScheme.Text }) },
            { "a scheme of its own", Json(good with { ContentHash = ofText, HashScheme = new("OTHER"), Manifest = null }) },
        };
    }

    [Theory]
    [MemberData(nameof(Deliveries))]
    public async Task Only_a_manifest_that_has_the_hash_is_verified(string what, string delivery)
    {
        await using var api = await StartAsync(Data(JsonSerializer.Deserialize<Delivery>(delivery, CapJson.Options)!));
        using var client = Client(api);

        (await client.GetDeliveryAsync(Samples.OrderId)).HashVerified.Should().Be(what == "good", what);
    }

    [Fact]
    public async Task A_delivery_takes_the_hashes_of_its_own_uploads()
    {
        var expected = DeliverableHash.Of(new DeliveryManifest { Version = 1, Files = [Stored] }).ToHex(prefix: true);
        var order = Samples.Paid with { Status = OrderStatus.Completed, DeliverTxHash = "0xd1", DeliverableHash = expected };
        await using var api = await StartAsync(UploadTo, Data(Stored), Data(order));
        using var client = Client(api);

        var file = await client.UploadFileAsync("a.txt", new MemoryStream(Content));
        var delivered = await client.DeliverOrderAsync(Samples.OrderId, new() { DeliverableType = DeliverableType.Text, Files = [file] });

        delivered.ContentHash.Should().Be(expected);
        api.Requests.Should().HaveCount(3, "the relayer is not asked for what this client has hashed itself");
    }

    private static string Json(Delivery delivery) => JsonSerializer.Serialize(delivery, CapJson.Options);

    private static AgentClient Client(ScriptedApi api) => new(new Config { BaseUrl = api.Address, TimeProvider = new ScaledTime(1000) }, Key);

    private static Task UploadTo(HttpContext context) =>
        Data(new UploadLink { ObjectKey = ObjectKey, UploadUrl = $"http://{context.Request.Host}/link?signature=s", ExpiresAt = DateTimeOffset.UnixEpoch }, 201)(context);

    private static Func<HttpContext, Task> DownloadFrom(StoredObject stored) => context => Data(new DownloadLink
    {
        DownloadUrl = $"http://{context.Request.Host}/link?signature=s",
        ExpiresAt = DateTimeOffset.UnixEpoch,
        Name = stored.Name,
        Size = stored.Size,
        ContentType = stored.ContentType,
        Keccak256 = stored.Keccak256,
    })(context);

    private static Func<HttpContext, Task> KeepBody(List<string> bodies, Func<HttpContext, Task> answer) => async context =>
    {
        using var reader = new StreamReader(context.Request.Body);
        bodies.Add(await reader.ReadToEndAsync());
        await answer(context);
    };

    private sealed class Watched : MemoryStream
    {
        private readonly TaskCompletionSource _written = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Written => _written.Task;

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await base.WriteAsync(buffer, cancellationToken);
            _written.TrySetResult();
        }
    }

    private sealed class Forward(byte[] content) : MemoryStream(content)
    {
        public override bool CanSeek => false;
    }
}
