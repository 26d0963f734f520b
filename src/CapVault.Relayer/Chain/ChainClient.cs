using System.Numerics;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Hex.HexTypes;
using Nethereum.JsonRpc.Client;
using Nethereum.RPC.Eth.DTOs;
using Nethereum.Web3;

namespace CapVault.Relayer.Chain;

/// <summary>What the relayer asks its node. The only place that talks JSON-RPC.</summary>
public sealed class ChainClient(IClient rpc)
{
    private readonly Web3 _web3 = new(rpc);

    /// <summary>The newest block.</summary>
    public async Task<BlockWithTransactionHashes> GetHeadAsync(CancellationToken cancellationToken) =>
        await _web3.Eth.Blocks.GetBlockWithTransactionsHashesByNumber.SendRequestAsync(BlockParameter.CreateLatest()).WaitAsync(cancellationToken);

    /// <summary>A block with the hashes of its transactions, or null if the node has none of that number.</summary>
    public async Task<BlockWithTransactionHashes?> GetBlockAsync(long number, CancellationToken cancellationToken) =>
        await _web3.Eth.Blocks.GetBlockWithTransactionsHashesByNumber.SendRequestAsync(new HexBigInteger(number)).WaitAsync(cancellationToken);

    /// <summary>Logs of exactly this block: asked by hash, so that a reorg in between cannot mix two branches.</summary>
    public async Task<FilterLog[]> GetLogsAsync(string blockHash, string[] addresses, CancellationToken cancellationToken) =>
        await rpc.SendRequestAsync<FilterLog[]>(new RpcRequest(1, "eth_getLogs", new { blockHash, address = addresses })).WaitAsync(cancellationToken) ?? [];

    /// <summary>Logs of exactly this block with this signature, whoever logged them.</summary>
    public async Task<FilterLog[]> GetLogsOfAllAsync(string blockHash, string signature, CancellationToken cancellationToken) =>
        await rpc.SendRequestAsync<FilterLog[]>(new RpcRequest(1, "eth_getLogs", new { blockHash, topics = new[] { signature } })).WaitAsync(cancellationToken) ?? [];

    /// <summary>A receipt, or null while the transaction is not mined.</summary>
    public async Task<TransactionReceipt?> GetReceiptAsync(byte[] txHash, CancellationToken cancellationToken) =>
        await _web3.Eth.Transactions.GetTransactionReceipt.SendRequestAsync(txHash.ToHex(true)).WaitAsync(cancellationToken);

    /// <summary>Sends a signed transaction. One that the node has already is as good as sent.</summary>
    /// <exception cref="RpcResponseException">The node refuses it.</exception>
    public async Task SendRawAsync(byte[] raw, CancellationToken cancellationToken)
    {
        try
        {
            await _web3.Eth.Transactions.SendRawTransaction.SendRequestAsync(raw.ToHex(true)).WaitAsync(cancellationToken);
        }
        catch (RpcResponseException exception) when (IsKnown(exception))
        {
            // There is nothing left to do.
        }
    }

    /// <summary>Mined transactions of an EOA, up to a block; null for the newest.</summary>
    public async Task<long> GetNonceAsync(string address, long? block, CancellationToken cancellationToken) =>
        (long)(await _web3.Eth.Transactions.GetTransactionCount
            .SendRequestAsync(address, block is { } number ? new BlockParameter((ulong)number) : BlockParameter.CreateLatest())
            .WaitAsync(cancellationToken)).Value;

    /// <summary>Balance in wei.</summary>
    public async Task<BigInteger> GetBalanceAsync(string address, CancellationToken cancellationToken) =>
        (await _web3.Eth.GetBalance.SendRequestAsync(address).WaitAsync(cancellationToken)).Value;

    /// <summary>Chain id.</summary>
    public async Task<BigInteger> GetChainIdAsync(CancellationToken cancellationToken) =>
        (await _web3.Eth.ChainId.SendRequestAsync().WaitAsync(cancellationToken)).Value;

    /// <summary>Code at an address, or empty.</summary>
    public async Task<byte[]> GetCodeAsync(string address, CancellationToken cancellationToken) =>
        (await _web3.Eth.GetCode.SendRequestAsync(address).WaitAsync(cancellationToken)).HexToByteArray();

    /// <summary>Asks a view function.</summary>
    public async Task<TReturn> QueryAsync<TFunction, TReturn>(string contract, TFunction function, CancellationToken cancellationToken)
        where TFunction : FunctionMessage, new() =>
        await _web3.Eth.GetContractQueryHandler<TFunction>().QueryAsync<TReturn>(contract, function).WaitAsync(cancellationToken);

    /// <summary>Asks a view function that returns several values.</summary>
    public async Task<TOutput> QueryManyAsync<TFunction, TOutput>(string contract, TFunction function, CancellationToken cancellationToken)
        where TFunction : FunctionMessage, new()
        where TOutput : Nethereum.ABI.FunctionEncoding.Attributes.IFunctionOutputDTO, new() =>
        await _web3.Eth.GetContractQueryHandler<TFunction>().QueryDeserializingToObjectAsync<TOutput>(function, contract).WaitAsync(cancellationToken);

    /// <summary>Asks a view function for a number, as of a block. It is named by its hash: another branch gives an error, not another answer.</summary>
    public async Task<BigInteger> QueryNumberAtAsync<TFunction>(string contract, TFunction function, byte[] blockHash, CancellationToken cancellationToken)
        where TFunction : FunctionMessage, new()
    {
        var call = new { to = contract, input = function.GetCallData().ToHex(true) };
        return new HexBigInteger(await RequestAsync<string>("eth_call", cancellationToken, call, new { blockHash = blockHash.ToHex(true) })).Value;
    }

    /// <summary>Runs transactions of one sender, one after the other, on top of a block, without sending them; returns their logs too.</summary>
    /// <param name="from">The sender. Its balance and nonces are not looked at.</param>
    /// <param name="calls">The transactions.</param>
    /// <param name="blockHash">The block; by its hash, so that another branch gives an error.</param>
    /// <param name="time">The next block's timestamp, unix seconds.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="RpcResponseException">The node will not run it, or does not have the block.</exception>
    public async Task<SimulatedCall[]> SimulateAsync(
        string from, IEnumerable<Operations.LaneCall> calls, byte[] blockHash, long time, CancellationToken cancellationToken)
    {
        var block = new
        {
            // All of them in one block, although they may be more than one block takes.
            blockOverrides = new { time = new HexBigInteger(time).HexValue, gasLimit = new HexBigInteger(calls.Sum(call => call.Gas) + 1_000_000).HexValue },
            calls = calls.Select(call => new
            {
                from,
                to = call.To,
                input = call.Input,
                value = new HexBigInteger(call.Value).HexValue,
                gas = new HexBigInteger(call.Gas).HexValue,
            }),
        };
        var payload = new { blockStateCalls = new[] { block }, validation = false, traceTransfers = false };
        return (await RequestAsync<SimulatedBlock[]>("eth_simulateV1", cancellationToken, payload, new { blockHash = blockHash.ToHex(true) }))[0].Calls;
    }

    /// <summary>
    /// Runs calls one after the other on top of the newest block, at <paramref name="time"/> (unix seconds), without sending them. One that fails
    /// leaves nothing behind, and the next runs all the same.
    /// </summary>
    /// <param name="calls">Whose they are, and what.</param>
    /// <param name="time">The next block's timestamp, unix seconds.</param>
    /// <param name="stateOverrides">What the accounts have instead; null for nothing.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public async Task<SimulatedCall[]> SimulateAsync(
        IReadOnlyList<(string From, Operations.LaneCall Call)> calls, long time, object? stateOverrides, CancellationToken cancellationToken)
    {
        var block = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["blockOverrides"] = new { time = new HexBigInteger(time).HexValue, gasLimit = new HexBigInteger(calls.Sum(item => item.Call.Gas) + 1_000_000).HexValue },
            ["calls"] = calls.Select(item => new { from = item.From, to = item.Call.To, input = item.Call.Input, gas = new HexBigInteger(item.Call.Gas).HexValue }),
        };
        if (stateOverrides is not null)
        {
            block["stateOverrides"] = stateOverrides;
        }

        var payload = new { blockStateCalls = new[] { block }, validation = false, traceTransfers = false };
        return (await RequestAsync<SimulatedBlock[]>("eth_simulateV1", cancellationToken, payload, "latest"))[0].Calls;
    }

    /// <summary>A word of a contract's storage.</summary>
    public async Task<byte[]> GetStorageAsync(string address, string slot, CancellationToken cancellationToken) =>
        (await RequestAsync<string>("eth_getStorageAt", cancellationToken, address, slot, "latest")).HexToByteArray();

    // Nodes word it differently.
    private static bool IsKnown(RpcResponseException exception) =>
        ((string[])["already known", "already imported", "AlreadyKnown", "known transaction"]).Any(words => exception.RpcError.Message.Contains(words, StringComparison.OrdinalIgnoreCase));

    /// <summary>A method that Nethereum has no words for (a sandbox node's own).</summary>
    public async Task<T> RequestAsync<T>(string method, CancellationToken cancellationToken, params object[] parameters) =>
        await rpc.SendRequestAsync<T>(new RpcRequest(1, method, parameters)).WaitAsync(cancellationToken);
}

/// <summary>A block of <c>eth_simulateV1</c>.</summary>
public sealed class SimulatedBlock
{
    /// <summary>Its calls.</summary>
    public SimulatedCall[] Calls { get; set; } = [];
}

/// <summary>A call of <c>eth_simulateV1</c>.</summary>
public sealed class SimulatedCall
{
    /// <summary>0x1: it succeeded.</summary>
    public string Status { get; set; } = "";

    /// <summary>What it returned, or reverted with.</summary>
    public string ReturnData { get; set; } = "";

    /// <summary>Gas that it used, hex.</summary>
    public string GasUsed { get; set; } = "";

    /// <summary>What it logged.</summary>
    public FilterLog[] Logs { get; set; } = [];

    /// <summary>Why it failed.</summary>
    public SimulatedError? Error { get; set; }

    /// <summary>Whether it succeeded.</summary>
    public bool Succeeded => Status == "0x1";

    /// <summary>What it reverted with; nodes differ in where they put it.</summary>
    public byte[] RevertData => (ReturnData is { Length: > 2 } returned ? returned : Error?.Data ?? "0x").HexToByteArray();
}

/// <summary>Why a call of <c>eth_simulateV1</c> failed.</summary>
public sealed class SimulatedError
{
    /// <summary>For people.</summary>
    public string? Message { get; set; }

    /// <summary>What it reverted with.</summary>
    public string? Data { get; set; }
}
