using System.CommandLine;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Cli;

/// <summary><c>files upload|download|calculate-hash</c></summary>
internal static class FilesCommands
{
    private static readonly Argument<FileInfo> Local = new Argument<FileInfo>("file") { Description = "A file on this machine." }.AcceptExistingOnly();

    public static Command Create() => new("files", "Files that belong to deliveries.")
    {
        Upload(),
        Download(),
        CalculateHash(),
    };

    /// <summary>Uploads files; those that are uploaded are given by their keys.</summary>
    public static async Task<IReadOnlyList<string>> ObjectKeysAsync(AgentClient agent, IEnumerable<string> files, CancellationToken cancellationToken)
    {
        var objectKeys = new List<string>();
        foreach (var file in files)
        {
            objectKeys.Add(
                file.StartsWith("obj_", StringComparison.Ordinal) && !File.Exists(file) ? file : await UploadAsync(agent, new FileInfo(file), contentType: null, cancellationToken));
        }

        return objectKeys;
    }

    private static async Task<string> UploadAsync(AgentClient agent, FileInfo file, string? contentType, CancellationToken cancellationToken)
    {
        await using var content = file.OpenRead();
        return await agent.UploadFileAsync(file.Name, content, contentType, cancellationToken);
    }

    private static Command Upload()
    {
        var contentType = new Option<string?>("--content-type") { Description = "Media type; the default is what the name's ending says.", HelpName = "type/subtype" };
        return new Command("upload", "Upload a file, as the Provider; it goes after 24 hours if no delivery names it.") { Local, contentType }.Runs(async (session, cancellationToken) =>
        {
            using var agent = session.Agent(Role.Provider);
            var objectKey = await UploadAsync(agent, session.Value(Local), session.Value(contentType), cancellationToken);
            session.Print.Result(new { objectKey }, print =>
            {
                print.Line(objectKey);
                print.Line("Next: deliver it with 'capvault deliver ord_… --file " + objectKey + "'.");
            });
        });
    }

    private static Command Download()
    {
        var objectKey = new Argument<string>("objectKey") { Description = "obj_…" };
        var order = new Option<string?>("--order") { Description = "Check the bytes against the manifest of this order's delivery, and that against the chain.", HelpName = "ord_…" };
        var output = new Option<FileInfo?>("--output") { Description = "Where to; the default is its own name, in this folder.", HelpName = "file" };
        return new Command("download", "Download a file and check its hash.") { objectKey, order, output }.Runs(async (session, cancellationToken) =>
        {
            using var agent = session.Agent(Role.Requester);
            var (file, path) = await DownloadAsync(agent, session.Value(objectKey), session.Value(order), session.Value(output), cancellationToken);
            session.Print.Result(new { file, path }, print => print.Fields(("file", path), ("size", file.Size), ("type", file.ContentType), ("keccak256", file.Keccak256)));
        });
    }

    private static Command CalculateHash() => new Command("calculate-hash", "keccak256 of a file, as a manifest has it. Nothing is sent.") { Local }.Runs(async (session, cancellationToken) =>
    {
        var file = session.Value(Local);
        await using var content = file.OpenRead();
        var keccak = new IncrementalKeccak256();
        var buffer = new byte[64 * 1024];
        while (await content.ReadAsync(buffer, cancellationToken) is > 0 and var read)
        {
            keccak.AppendData(buffer.AsSpan(0, read));
        }

        var keccak256 = keccak.GetHashAndReset().ToHex(prefix: true);
        session.Print.Result(new { keccak256 }, print => print.Line(keccak256));
    });

    // Beside its place until it is checked: a file that is there is the right one.
    private static async Task<(StoredObject File, string Path)> DownloadAsync(
        AgentClient agent, string objectKey, string? orderId, FileInfo? output, CancellationToken cancellationToken)
    {
        var promised = orderId is null ? null : await PromisedAsync(agent, orderId, objectKey, cancellationToken);
        var part = (output?.FullName ?? Path.Combine(Directory.GetCurrentDirectory(), objectKey)) + ".part";
        try
        {
            var file = promised;
            await using (var destination = new FileStream(part, FileMode.Create, FileAccess.Write))
            {
                if (promised is not null)
                {
                    await agent.DownloadFileAsync(promised, destination, cancellationToken);
                }
                else
                {
                    file = await agent.DownloadFileAsync(objectKey, destination, cancellationToken);
                }
            }

            // The name comes from the other party: never out of this folder, never over what is there.
            var path = output?.FullName ?? Path.Combine(Directory.GetCurrentDirectory(), Path.GetFileName(file!.Name));
            File.Move(part, path, overwrite: output is not null);
            return (file!, path);
        }
        finally
        {
            File.Delete(part);
        }
    }

    private static async Task<StoredObject> PromisedAsync(AgentClient agent, string orderId, string objectKey, CancellationToken cancellationToken)
    {
        var delivery = await agent.GetDeliveryAsync(orderId, cancellationToken);
        if (!delivery.HashVerified)
        {
            throw new CliException("The delivery does not match the hash that was recorded for the order.", "Next: do not use it; take it up with the provider.");
        }

        return delivery.Manifest?.Files.FirstOrDefault(file => file.ObjectKey == objectKey)
            ?? throw new CliException($"The delivery of {orderId} has no file {objectKey} in its manifest.", "Next: capvault orders delivery shows what it has; leave out --order for an object that it only names.");
    }
}
